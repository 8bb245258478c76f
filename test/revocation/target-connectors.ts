import { z } from 'zod';
import type { Connector, ConnectorSystem, GrantHandle } from '../../src/connectors/kit/contract.ts';
import type { CuttingPhase } from '../../src/contract/phases.ts';
import { EstopError } from '../../src/core/errors.ts';
import type { ConnectorSource } from '../../src/workers/create-control.ts';

export interface TargetConnectors {
  readonly connectors?: Readonly<
    Record<string, Partial<Pick<ConnectorSystem, 'concurrency' | 'settleMs' | 'attemptMs' | 'phases' | 'drill'>>>
  >;
  /** Connectors that cannot be built. */
  readonly broken?: readonly string[];
}

/** The target under each of these connector ids. */
export function targetConnectors(
  url: string,
  { connectors = { target: {} }, broken = [] }: TargetConnectors = {},
): ConnectorSource {
  const systems = new Map(Object.entries(connectors).map(([id, changes]) => [id, targetSystem(changes)]));
  const built = new Map<string, Connector>();
  return {
    ids: () => [...systems.keys(), ...broken],
    system: (id) => systems.get(id) ?? (broken.includes(id) ? targetSystem() : undefined),
    get: (id) => {
      const system = systems.get(id);
      if (system === undefined) throw new Error(`connector ${id} cannot be built`);
      const connector = built.get(id) ?? connectTarget(url);
      built.set(id, connector);
      return { connector, system };
    },
  };
}

const targetPhases = ['fence', 'revoke-credential'] as const satisfies readonly CuttingPhase[];

/** The connector to such a target: real requests, no mock. */
function targetSystem(changes: Partial<ConnectorSystem> = {}): ConnectorSystem {
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
    create: () => connectTarget(''),
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
    issue: async ({ grantId }, { signal }) => {
      await ask(`make/now/${grantId}`, signal);
      return { key: grantId };
    },
    cut: async (phase, { handle }, { signal }) => {
      const { status, text } = await ask(`cut/${phase}/${keyOf(handle)}`, signal);
      if (status === 429) return { kind: 'retryable', why: 'too many requests', retryAfterMs: Number(text) };
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
