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
  /** A webhook could not be told that a person is needed, or there was no room: it is told again when the item is raised again. */
  | {
      readonly type: 'webhook.failed';
      readonly sagaId: string;
      readonly step: string | null;
      readonly attempts: number;
      readonly error: unknown;
    }
  /** The server made a mistake; whoever asked was told the `incident`. */
  | { readonly type: 'server.fault'; readonly incident: string; readonly error: unknown };
