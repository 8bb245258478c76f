import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { type StateFolder, writeOwnerOnly } from '../local/state-folder.ts';

const portsFile = z.array(z.int()).length(3);
const name = 'ports.json';

/** Links and configured clients stay good over a restart, if the ports are still free. */
export function readRememberedPorts(folder: StateFolder): readonly (number | undefined)[] {
  if (!existsSync(folder.file(name))) return [undefined, undefined, undefined];
  const parsed = portsFile.safeParse(JSON.parse(readFileSync(folder.file(name), 'utf8')));
  return parsed.success ? parsed.data : [undefined, undefined, undefined];
}

export function rememberPorts(folder: StateFolder, ports: readonly number[]): void {
  writeOwnerOnly(folder.file(name), `${JSON.stringify(ports)}\n`);
}
