import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type StateFolder, writeOwnerOnly } from '../local/state-folder.ts';

const portsFile = z.array(z.int()).max(64);
const name = 'ports.json';

/** Links and configured clients stay good over a restart, if the ports are still free. */
export function readRememberedPorts(folder: StateFolder, count: number): readonly (number | undefined)[] {
  const none = Array<undefined>(count).fill(undefined);
  try {
    // A file from before there were more of them is as good as far as it goes.
    return [...portsFile.parse(JSON.parse(readFileSync(folder.file(name), 'utf8'))), ...none].slice(0, count);
  } catch {
    return none;
  }
}

export function rememberPorts(folder: StateFolder, ports: readonly number[]): void {
  writeOwnerOnly(folder.file(name), `${JSON.stringify(ports)}\n`);
}
