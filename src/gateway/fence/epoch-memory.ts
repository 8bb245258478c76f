import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';

/** The highest epoch that was seen of a store. */
export interface SeenEpoch {
  readonly storeId: string;
  readonly epoch: number;
  /** What took it; unknown where nothing did, and where the file does not say so. */
  readonly order?: string | undefined;
}

/** What a gateway remembers of its store when it starts again. rule: refuse-lower-epoch */
export interface EpochMemory {
  readonly recalled: SeenEpoch | undefined;
  /** Returns at once; nothing that a call or a stop waits for waits for this disk. */
  note(seen: SeenEpoch): void;
  /** Until what was noted is on disk, or could not be put there. */
  flush(): Promise<void>;
}

const fileName = /^seen-([0-9a-f-]{36})-([0-9]{1,15})\.json$/;

/** Where no folder is given: a gateway that starts anew believes the first store that it meets. */
export const noMemory: EpochMemory = { recalled: undefined, note: () => undefined, flush: () => Promise.resolve() };

/**
 * One file per epoch, whose name says it, and the lower ones are removed once it is there: of several processes that share
 * the folder none can take back what another has seen. Which order took it stands inside; one that cannot be read leaves the epoch.
 * Not protected: an epoch seen in the last moments before this process is killed, if the disk was slower.
 */
export class EpochFolder implements EpochMemory {
  readonly recalled: SeenEpoch | undefined;
  readonly #folder: string;
  readonly #log: Log;
  #wanted: SeenEpoch | undefined;
  #saved = -1;
  #saving: Promise<void> | undefined;
  #failed = false;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
    this.recalled = recall(folder);
    this.#saved = this.recalled?.epoch ?? -1;
  }

  note(seen: SeenEpoch): void {
    if (seen.epoch <= this.#saved || seen.epoch <= (this.#wanted?.epoch ?? -1)) return;
    this.#wanted = seen;
    this.#saving ??= this.#saveAll();
  }

  async flush(): Promise<void> {
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    while (this.#wanted !== undefined) {
      const seen = this.#wanted;
      this.#wanted = undefined;
      try {
        await save(this.#folder, seen);
        this.#saved = seen.epoch;
        this.#failed = false;
      } catch (thrown) {
        // The next renewal is another try, once a second; the log hears of it once.
        if (!this.#failed)
          this.#log.error(
            { event: 'epoch.unsaved', epoch: seen.epoch, error: String(thrown) },
            'the newest epoch could not be written down; after a restart an older store would be believed',
          );
        this.#failed = true;
      }
    }
    this.#saving = undefined;
  }
}

/** Fails closed: a folder that is given and cannot be used, or that knows of two stores, is a reason not to start. */
function recall(folder: string): SeenEpoch | undefined {
  let highest: SeenEpoch | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      const seen = seenIn(name);
      if (seen === undefined) continue;
      if (highest !== undefined && highest.storeId !== seen.storeId)
        throw new EstopError('config-invalid', { detail: `${folder} was used with more than one store` });
      if (highest === undefined || seen.epoch > highest.epoch) highest = seen;
    }
  } catch (cause) {
    if (cause instanceof EstopError) throw cause; // thrown a few lines above
    throw new EstopError('config-invalid', { detail: `the gateway's folder ${folder} cannot be used`, cause });
  }
  if (highest === undefined) return undefined;
  const order = orderIn(join(folder, `seen-${highest.storeId}-${highest.epoch}.json`));
  return order === undefined ? highest : { ...highest, order };
}

/** Undefined also for what was cut off while it was written. */
function orderIn(path: string): string | undefined {
  try {
    const held: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const order = typeof held === 'object' && held !== null && 'order' in held ? held.order : undefined;
    return typeof order === 'string' ? order : undefined;
  } catch {
    return undefined;
  }
}

function seenIn(name: string): SeenEpoch | undefined {
  const [, storeId, epoch] = fileName.exec(name) ?? [];
  return storeId === undefined || epoch === undefined ? undefined : { storeId, epoch: Number(epoch) };
}

/** On disk, then under its name, then the name on disk; only then may the lower ones go. */
async function save(folder: string, seen: SeenEpoch): Promise<void> {
  const path = join(folder, `seen-${seen.storeId}-${seen.epoch}.json`);
  const draft = `${path}.${process.pid}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(seen)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(folder);
  for (const name of await readdir(folder)) {
    const other = seenIn(name);
    if (other?.storeId === seen.storeId && other.epoch < seen.epoch)
      await unlink(join(folder, name)).catch(() => undefined); // another process was faster
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
