/** What a server tells whoever keeps its log. */
export type ServerEvent =
  /** A request was answered. No header, query or body is told: they may hold what is secret. */
  | {
      readonly type: 'server.request';
      readonly method: string;
      readonly operation: string | undefined;
      readonly status: number;
      readonly elapsedMs: number;
      readonly actor: string | undefined;
      readonly sagaId: string | undefined;
      readonly problem: string | undefined;
    }
  /** The server made a mistake; whoever asked was told the `incident`. */
  | { readonly type: 'server.fault'; readonly incident: string; readonly error: unknown };
