import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../test/house/house.ts';
import { emitDeclarations, listPublicApi } from '../test/house/public-api.ts';

const path = join(projectRoot, 'test/golden/public-api.txt');
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, listPublicApi(emitDeclarations(projectRoot)));
