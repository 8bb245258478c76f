import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeptBundle {
  read(): string | undefined;
  write(code: string): void;
}

/** Of each set the last few that were used: of two versions that take turns, and of what was compiled and what was not. */
const mostKept = 6;

/** As trusted as the folder it lies in. Where nothing may be written, every start bundles anew. */
export function openKeptBundle(folder: string, set: string, hash: string): KeptBundle {
  const file = join(folder, `${set}-${hash}.js`);
  return {
    read: () => {
      try {
        const code = readFileSync(file, 'utf8');
        ignoring(() => utimesSync(file, new Date(), new Date()));
        return code;
      } catch {
        return undefined;
      }
    },
    write: (code) =>
      // A read-only installation: the bundle in hand is good all the same.
      ignoring(() => {
        const draft = `${file}.${process.pid}`;
        mkdirSync(folder, { recursive: true });
        writeFileSync(draft, code);
        renameSync(draft, file);
        prune(folder, set);
      }),
  };
}

/** A draft whose process was killed goes with them. Whoever is reading one that goes reads it to its end. */
function prune(folder: string, set: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.startsWith(`${set}-`))
    .map((name) => ({ path: join(folder, name), usedAt: statSync(join(folder, name)).mtimeMs }))
    .toSorted((one, other) => other.usedAt - one.usedAt);
  for (const { path } of files.slice(mostKept)) rmSync(path, { force: true });
}

function ignoring(work: () => void): void {
  try {
    work();
  } catch {
    // Said by whoever calls it.
  }
}
