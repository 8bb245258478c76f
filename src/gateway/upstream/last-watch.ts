import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads which process groups there are and, once nobody can tell it of more, ends those that are left. A shell and not a Node: it
 * is there for as long as the gateway is, and needs a megabyte. It ignores what would end it, since its end is to outlive.
 */
const program = `
trap '' HUP INT QUIT TERM
left=
while read -r word group; do
  case $word in
    begun) left="$left $group" ;;
    ended) kept=; for one in $left; do [ "$one" = "$group" ] || kept="$kept $one"; done; left=$kept ;;
  esac
done
for group in $left; do kill -9 "-$group"; done 2>/dev/null
`;

/**
 * A gateway that is killed cannot end what it started. Somebody who hears of its end by a pipe, which the system closes however it
 * ended, does. In a group of its own: what is sent to the gateway's does not reach it.
 * Not protected: a tool server that is started in the very moment in which the gateway is killed; the watch being killed first.
 */
class LastWatch {
  readonly #groups = new Set<number>();
  #shell: ChildProcess | undefined;

  begun(group: number): void {
    this.#groups.add(group);
    if (this.#shell === undefined) this.#start();
    else this.#tell('begun', group);
  }

  ended(group: number): void {
    if (this.#groups.delete(group)) this.#tell('ended', group);
  }

  #start(): void {
    const shell = spawn('/bin/sh', ['-c', program], {
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell = shell;
    // If it is killed, or cannot be started, the next tool server brings another, which is told of all.
    const gone = (): void => {
      if (this.#shell === shell) this.#shell = undefined;
    };
    shell.once('error', gone);
    shell.once('exit', gone);
    shell.stdin?.on('error', gone);
    shell.unref();
    // Watching is no work that keeps the gateway up.
    if (shell.stdin !== null && 'unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref();
    for (const group of this.#groups) this.#tell('begun', group);
  }

  #tell(word: 'begun' | 'ended', group: number): void {
    this.#shell?.stdin?.write(`${word} ${group}\n`);
  }
}

export const lastWatch = new LastWatch();
