import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

const quietMs = 100;

/**
 * Calls `onChange` when there is another file, or other content, at `path`: also where an editor renames a new one into place, and where
 * the path is a link whose own target, or a link on the way to it, is exchanged, as clusters mount what they configure. Returns what ends it.
 */
export function watchFile(path: string, onChange: () => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  let seen = identityOf(path);
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    watchFolders();
    const now = identityOf(path);
    if (now === seen) return;
    seen = now;
    onChange();
  };
  const onEvent = (file: string | null): void => {
    // Whoever writes it in pieces is waited for; whatever else happens in its folder holds up no look.
    if (file === basename(path)) clearTimeout(timer);
    else if (timer !== undefined) return;
    timer = setTimeout(look, quietMs);
  };
  // Folders are watched, not the file, whose place another one may take.
  const watchFolders = (): void => {
    const wanted = foldersOf(path);
    for (const [folder, watcher] of watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of wanted)
      if (!watchers.has(folder)) watchers.set(folder, watch(folder, (_event, file) => onEvent(file)).unref());
  };
  watchFolders();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers.values()) watcher.close();
  };
}

function identityOf(path: string): string {
  const at = statSync(path, { throwIfNoEntry: false });
  return at === undefined ? '' : [at.dev, at.ino, at.mtimeMs, at.ctimeMs, at.size].join('/');
}

/** Its own, and that of the file which it leads to, if it is there. */
function foldersOf(path: string): ReadonlySet<string> {
  try {
    return new Set([dirname(path), dirname(realpathSync(path))]);
  } catch {
    return new Set([dirname(path)]);
  }
}
