import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { ProcessSpec, SecretAt } from '../../contract/config.ts';
import { GatheredBytes } from '../../contract/gathered-bytes.ts';
import { EstopError } from '../../core/errors.ts';
import { bufferOf } from '../http/buffer-of.ts';
import { holdsSecret } from './holds-secret.ts';
import { lastWatch } from './last-watch.ts';
import { isRecord } from './read-reply.ts';

/** Of one message, in either direction. */
const longestLine = 4 * 1024 * 1024;
/** Where a program is looked for. Nothing else of the gateway's own environment reaches it. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Message = Readonly<Record<string, unknown>>;

export interface ChildEnvironment {
  readonly values: Readonly<Record<string, string>>;
  /** Those of the values that it must not say back. */
  readonly secrets: readonly string[];
}

export function environmentOf({ env }: ProcessSpec, readSecret: (reference: SecretAt) => string): ChildEnvironment {
  const entries = Object.entries(env).map(([name, value]) =>
    typeof value === 'string' ? { name, value, isSecret: false } : { name, value: readSecret(value), isSecret: true },
  );
  return {
    values: Object.fromEntries(entries.map(({ name, value }) => [name, value])),
    secrets: entries.filter(({ isSecret }) => isSecret).map(({ value }) => value),
  };
}

/** An answer stays an answer, so that nobody waits for it; anything else that holds one is nothing. */
function withoutSecrets(message: Message, secrets: readonly string[]): Message {
  if (!holdsSecret(message, secrets)) return message;
  const { id } = message;
  const error = { code: -32_603, message: 'its answer holds a credential that it was started with' };
  return typeof id === 'string' || typeof id === 'number' ? { jsonrpc: '2.0', id, error } : {};
}

/**
 * A tool server as a process of our own: never through a shell, with an environment of its own, as the leader of a process group,
 * so that whatever it starts ends with it, and with the gateway, however that ends. Not protected: a descendant that leaves the group.
 */
export class Child {
  readonly ended: Promise<void>;
  #child: ChildProcessByStdio<Writable, Readable, null>;
  #isAlive = true;

  /** `most`: how much it may say in all. One that is listed is heard to an end, however many pages it puts that into. */
  constructor(
    spec: ProcessSpec,
    { values, secrets }: ChildEnvironment,
    hear: (message: Message) => void,
    most = Number.POSITIVE_INFINITY,
  ) {
    this.#child = spawn(spec.command, [...spec.args], {
      cwd: '/',
      env: { PATH: searchPath, ...values },
      detached: true,
      shell: false,
      // What it says of itself is for nobody here: it may be endless, and hold what no log may.
      stdio: ['pipe', 'pipe', 'ignore'],
      ...(spec.user === undefined ? {} : accountOf(spec.user)),
    });
    const { pid } = this.#child;
    if (pid !== undefined) lastWatch.begun(pid);
    running.add(this);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.kill();
        running.delete(this);
        if (pid !== undefined) lastWatch.ended(pid);
        resolve();
      };
      this.#child.once('error', end);
      this.#child.once('exit', end);
    });
    this.#child.stdin.on('error', () => this.kill());
    this.#child.stdout.on('error', () => this.kill());
    readLines(
      this.#child.stdout,
      (message) => hear(withoutSecrets(message, secrets)),
      () => this.kill(),
      most,
    );
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** False: it is gone, or does not read. */
  say(line: string): boolean {
    if (!this.#isAlive || this.#child.stdin.writableLength > longestLine) return false;
    this.#child.stdin.write(`${line}\n`);
    return true;
  }

  /** Its whole group, at once, and nothing that it could catch. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is empty already.
    }
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
  }
}

const running = new Set<Child>();
process.once('exit', () => {
  for (const child of running) child.kill();
});

function readLines(stdout: Readable, hear: (message: Message) => void, tooLong: () => void, most: number): void {
  const waiting = new GatheredBytes();
  let all = 0;
  stdout.on('data', (chunk: Buffer) => {
    all += chunk.length;
    if (all > most) return tooLong();
    let begin = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
      waiting.add(chunk.subarray(begin, end));
      begin = end + 1;
      const message = messageIn(bufferOf(waiting.take()));
      if (message !== undefined) hear(message);
    }
    waiting.add(chunk.subarray(begin));
    if (waiting.length > longestLine) return tooLong();
  });
}

/** A line that is no message is none: servers do print to the wrong stream. */
function messageIn(line: Buffer): Message | undefined {
  if (line.length > longestLine) return undefined;
  try {
    const message: unknown = JSON.parse(line.toString('utf8'));
    return isRecord(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** By the file, not by a library: there is none here that asks a directory service. An unknown account starts nothing. */
function accountOf(user: string): { readonly uid: number; readonly gid: number } {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === user && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new EstopError('config-invalid', { detail: `there is no account ${user}` });
}
