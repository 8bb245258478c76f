import { appendFileSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { z } from 'zod';
import type { Connector, ConnectorSystem, GrantHandle } from '../../src/connectors/kit/contract.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { EstopError } from '../../src/core/errors.ts';
import { tempFolder } from '../kit/temp-folder.ts';

/**
 * How the target treats one key. `hung` never answers a cut; `lying` says that it cut and did not, as often as `lies` says;
 * `refusing` does not accept our own credential; `down` breaks the connection; `late` comes to life again after it was seen dead.
 */
export interface Behaviour {
  readonly cut: 'healthy' | 'hung' | 'lying' | 'refusing' | 'down';
  readonly lies?: number;
  readonly residualMs?: number;
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
  let isOut = false;

  const server = createServer((request, response) => {
    const [, what = '', phase = '', key = ''] = new URL(request.url ?? '/', 'http://target').pathname.split('/');
    appendFileSync(logPath, `${what} ${phase} ${key}\n`);
    const behaviour = behaviours.get(key) ?? { cut: 'healthy' };
    if (behaviour.cut === 'down' && key !== 'control') return void request.socket.destroy();
    if (what === 'use')
      return answer(
        response,
        isOut ? 403 : residual.has(key) && Date.now() < (residual.get(key) ?? 0) ? 206 : alive.has(key) ? 200 : 403,
        String(residual.get(key) ?? ''),
      );
    if (what === 'list') return answer(response, alive.has(key) ? 200 : 404);
    switch (behaviour.cut) {
      case 'hung':
        return; // until the caller gives up
      case 'refusing':
        return answer(response, 401);
      case 'lying': {
        const times = (lied.get(key) ?? 0) + 1;
        lied.set(key, times);
        if (times > (behaviour.lies ?? Number.POSITIVE_INFINITY)) alive.delete(key);
        return answer(response, 200);
      }
      case 'down':
      case 'healthy':
        alive.delete(key);
        if (behaviour.residualMs !== undefined && !residual.has(key))
          residual.set(key, Date.now() + behaviour.residualMs);
        return answer(response, 200);
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

export const targetPhases = ['fence', 'revoke-credential'] as const satisfies readonly CuttingPhase[];

/** The connector to such a target: real requests, no mock. */
export function targetSystem(
  changes: Partial<Pick<ConnectorSystem, 'concurrency' | 'settleMs' | 'attemptMs'>> = {},
): ConnectorSystem<{ readonly url: string }> {
  return {
    system: 'target',
    optionsSchema: z.object({ url: z.string() }),
    grantSchema: z.object({}),
    phases: targetPhases,
    concurrency: 8,
    settleMs: 0,
    attemptMs: 2_000,
    generations: 'own',
    ...changes,
    create: ({ url }) => connectTarget(url),
  };
}

function connectTarget(url: string): Connector {
  const keyOf = (handle: GrantHandle): string => String(handle['key']);
  const ask = async (
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> => {
    try {
      const response = await fetch(`${url}/${path}`, { method: 'POST', signal });
      return { status: response.status, text: await response.text() };
    } catch (cause) {
      throw new EstopError('connector-unavailable', { cause });
    }
  };
  const use = async (key: string, signal: AbortSignal) => ask(`use/now/${key}`, signal);
  return {
    plan: ({ grantId }) => ({ target: url, handle: { key: grantId } }),
    issue: async () => ({}),
    cut: async (phase, { handle }, { signal }) => {
      const { status } = await ask(`cut/${phase}/${keyOf(handle)}`, signal);
      if (status === 401) return { kind: 'needs-human', why: 'the target does not know us' };
      return status === 200 ? { kind: 'revoked' } : { kind: 'retryable', why: `status ${status}` };
    },
    probe: async ({ secret }, { signal }) => {
      if (secret === undefined) return { kind: 'inconclusive', why: 'nothing to probe with' };
      const { status, text } = await use(String(secret['key']), signal);
      if (status === 206)
        return { kind: 'residual-until', until: new Date(Number(text)).toISOString(), why: 'valid until it expires' };
      if (status === 403) return { kind: 'denied', why: 'status 403', evidence: 'credential-probed' };
      return status === 200
        ? { kind: 'allowed', why: 'status 200' }
        : { kind: 'inconclusive', why: `status ${status}` };
    },
    control: async (_grant, { signal }) => {
      const { status } = await use('control', signal);
      return status === 200 ? { kind: 'allowed' } : { kind: 'not-allowed', why: `status ${status}` };
    },
    lists: async ({ handle }, { signal }) =>
      (await ask(`list/now/${keyOf(handle)}`, signal)).status === 200 ? 'present' : 'absent',
    selfCheck: async () => ({ ok: true, findings: [] }),
    close: async () => undefined,
  };
}
