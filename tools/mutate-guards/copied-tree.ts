import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const maxBuffer = 256 * 1024 * 1024;

export interface CopiedTree {
  readonly root: string;
  read(file: string): string;
  write(file: string, text: string): void;
  remove(): void;
}

/** The project where it can be broken without harm: as it was committed, or as it stands in its folder. */
export function copyTree(projectRoot: string, from: 'commit' | 'folder'): CopiedTree {
  const folder = mkdtempSync(join(tmpdir(), 'estop-mutants-'));
  const root = join(folder, 'tree');
  if (from === 'commit') unpackCommit(projectRoot, root);
  else copyFolder(projectRoot, root);
  linkPackages(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  // Where tests look for data that is not the project's own.
  const shared = join(projectRoot, '../shared');
  if (existsSync(shared)) symlinkSync(shared, join(folder, 'shared'));
  return {
    root,
    read: (file) => readFileSync(join(root, file), 'utf8'),
    write: (file, text) => writeFileSync(join(root, file), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function unpackCommit(projectRoot: string, root: string): void {
  mkdirSync(root);
  const packed = execFileSync('git', ['archive', '--format=tar', 'HEAD'], { cwd: projectRoot, maxBuffer });
  execFileSync('tar', ['-x', '-C', root], { input: packed });
}

/** What is not committed yet is in it, what git ignores is not. */
function copyFolder(projectRoot: string, root: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectRoot,
    maxBuffer,
  });
  for (const file of listed.toString('utf8').split('\0')) {
    const from = join(projectRoot, file);
    if (file === '' || !existsSync(from)) continue;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(from, join(root, file));
  }
}

/** One by one: what a tool writes beside the packages is written here. */
function linkPackages(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (name !== '.vite') symlinkSync(join(from, name), join(to, name));
}
