import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { tempFolder } from '../kit/temp-folder.ts';

/**
 * How the target treats one key. `hung` never answers a cut; `lying` says that it cut and did not, as often as `lies` says;
 * `refusing` does not accept our own credential; `down` breaks the connection; `late` comes to life again after it was seen dead.
 */
export interface Behaviour {
  readonly cut: 'healthy' | 'hung' | 'lying' | 'refusing' | 'down' | 'busy';
  readonly lies?: number;
  /** Its first cut is put off for so long. */
  readonly busyMs?: number;
  readonly residualMs?: number;
  /** It is made, and works nowhere. */
  readonly stillborn?: true;
  /** Made, or used, it does so and is never heard of again. */
  readonly mute?: 'make' | 'use';
  /** Whoever uses it brings the outage about, under which it is refused like everybody. */
  readonly outageAtUse?: true;
  /** Hangs at this phase alone. */
  readonly at?: string;
  /** A healthy cut is carried out at once, and answered after this; so is a busy or refusing one, which is not. */
  readonly answerAfter?: Promise<void>;
}

/** A small system of its own that hands out keys and takes them back, and writes down every request where it arrives. */
export interface Target {
  readonly url: string;
  grant(key: string): void;
  behave(key: string, behaviour: Behaviour): void;
  /** Everybody is refused, the control too: an outage that looks like a denial. */
  outage(on: boolean): void;
  /** A zombie: the key works again, behind everybody's back. */
  revive(key: string): void;
  /** From the target's own log. */
  count(what: string, key: string): number;
  lines(): readonly string[];
}

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0)) await close();
});

export async function startTarget(): Promise<Target> {
  const logPath = join(tempFolder(), 'target.log');
  appendFileSync(logPath, '');
  const alive = new Set<string>(['control']);
  const behaviours = new Map<string, Behaviour>();
  const lied = new Map<string, number>();
  const residual = new Map<string, number>();
  const putOff = new Set<string>();
  let isOut = false;

  const server = createServer((request, response) => {
    const [, what = '', phase = '', key = ''] = new URL(request.url ?? '/', 'http://target').pathname.split('/');
    appendFileSync(logPath, `${what} ${phase} ${key}\n`);
    const behaviour = behaviours.get(key) ?? { cut: 'healthy' };
    if (what === 'make' && behaviour.mute === 'make') return void alive.add(key); // until the caller gives up
    if (what === 'use' && behaviour.mute === 'use') return;
    if (behaviour.cut === 'down' && key !== 'control') return void request.socket.destroy();
    if (what === 'use' && behaviour.outageAtUse === true) isOut = true;
    if (what === 'use')
      return answer(
        response,
        isOut ? 403 : residual.has(key) && Date.now() < (residual.get(key) ?? 0) ? 206 : alive.has(key) ? 200 : 403,
        String(residual.get(key) ?? ''),
      );
    if (what === 'make') {
      if (behaviour.stillborn !== true) alive.add(key);
      return answer(response, 200);
    }
    if (what === 'list') return answer(response, alive.has(key) ? 200 : 404);
    switch (behaviour.cut) {
      case 'hung':
        if (behaviour.at !== undefined && behaviour.at !== phase) return answer(response, 200);
        return; // until the caller gives up
      case 'refusing':
        return void (behaviour.answerAfter ?? Promise.resolve()).then(() => answer(response, 401));
      case 'lying': {
        const times = (lied.get(key) ?? 0) + 1;
        lied.set(key, times);
        if (times > (behaviour.lies ?? Number.POSITIVE_INFINITY)) alive.delete(key);
        return answer(response, 200);
      }
      case 'busy':
      case 'down':
      case 'healthy':
        if (behaviour.cut === 'busy' && !putOff.has(key)) {
          putOff.add(key);
          return void (behaviour.answerAfter ?? Promise.resolve()).then(() =>
            answer(response, 429, String(behaviour.busyMs)),
          );
        }
        alive.delete(key);
        if (behaviour.residualMs !== undefined && !residual.has(key))
          residual.set(key, Date.now() + behaviour.residualMs);
        return void (behaviour.answerAfter ?? Promise.resolve()).then(() => answer(response, 200));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const lines = (): readonly string[] =>
    readFileSync(logPath, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  return {
    url: `http://127.0.0.1:${address.port}`,
    grant: (key) => void alive.add(key),
    behave: (key, behaviour) => void behaviours.set(key, behaviour),
    outage: (on) => void (isOut = on),
    revive: (key) => void alive.add(key),
    count: (what, key) => lines().filter((line) => line === `${what} ${key}`).length,
    lines,
  };
}

function answer(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status).end(text);
}
