import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { connectorSystems } from '../../src/connectors/index.ts';
import type { Connector, ConnectorSystem, GrantSecret, LedgerGrant } from '../../src/connectors/kit/contract.ts';
import { EstopError, errorCodeOf } from '../../src/core/errors.ts';
import { formatId } from '../../src/core/ids.ts';
import { environment, type RunningRig, rigConnectorId } from './rig.ts';

/** One connector under test, everything it says written down so that it can be searched for secrets. */
export interface Bench {
  readonly system: ConnectorSystem;
  readonly connector: Connector;
  plan(options?: unknown, epoch?: number): LedgerGrant;
  /** Issues and remembers the secret as something that must never be said. */
  issue(grant: LedgerGrant, timeoutMs?: number): Promise<{ readonly grant: LedgerGrant; readonly secret: GrantSecret }>;
  /** What was said so far, and what must not be in it. */
  said(): string;
  readonly canaries: ReadonlySet<string>;
}

export const healthyMs = 20_000;
/** For calls that are meant to run into their deadline. */
export const shortMs = 700;

export const within = (milliseconds: number): { readonly signal: AbortSignal } => ({
  signal: AbortSignal.timeout(milliseconds),
});

export function benchOf(systemName: string, rig: RunningRig, unlisted?: ConnectorSystem): Bench {
  const system = unlisted ?? connectorSystems.find((one) => one.system === systemName);
  if (system === undefined) throw new Error(`${systemName} is not in the registry`);
  const canaries = new Set(Object.values(rig.secrets));
  const log: string[] = [];
  const connector = recorded(
    system.create(system.optionsSchema.parse(rig.options), {
      connectorId: rigConnectorId,
      environment,
      now: () => new Date(),
      readSecret: (reference) => {
        const value = 'env' in reference ? rig.secrets[reference.env] : undefined;
        if (value === undefined) throw new EstopError('secret-missing');
        return value;
      },
    }),
    log,
  );
  const plan = (options: unknown = rig.grantOptions, epoch = 7): LedgerGrant => {
    const grantId = formatId('grant', environment, randomBytes(16));
    const parsed = system.grantSchema.parse(options);
    const who = {
      grantId,
      environment,
      agentId: 'billing-bot',
      taskId: formatId('task', environment, randomBytes(16)),
      epoch,
    };
    const planned = connector.plan({ ...who, options: parsed });
    return {
      ...who,
      ...planned,
      secret: undefined,
      absoluteEnd: new Date(Date.now() + 600_000).toISOString(),
      state: 'intended',
    };
  };
  return {
    system,
    connector,
    plan,
    issue: async (grant, timeoutMs = healthyMs) => {
      const secret = await connector.issue(grant, within(timeoutMs));
      for (const value of Object.values(secret))
        if (typeof value === 'string' && value.length > 20 && !isPublic(value)) canaries.add(value);
      return { secret, grant: { ...grant, secret, state: 'issued' } };
    },
    said: () => log.join('\n'),
    canaries,
  };
}

/** Names of our own making, and the end of a grant, which is told to whoever asks. */
function isPublic(value: string): boolean {
  return value.startsWith('estop_') || /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
}

/** Results and errors, whole: stack, cause and every own property. What `issue` returns is the secret itself and is not written down. */
function recorded(connector: Connector, log: string[]): Connector {
  const note = (thing: unknown): void =>
    void log.push(inspect(thing, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null }));
  const hear = async <T>(answer: Promise<T>, secret = false): Promise<T> => {
    try {
      const value = await answer;
      if (!secret) note(value);
      return value;
    } catch (thrown) {
      note(thrown);
      throw thrown;
    }
  };
  return {
    plan: (request) => {
      const planned = connector.plan(request);
      note(planned);
      return planned;
    },
    issue: (grant, context) => hear(connector.issue(grant, context), true),
    cut: (phase, grant, context) => hear(connector.cut(phase, grant, context)),
    probe: (grant, context) => hear(connector.probe(grant, context)),
    control: (grant, context) => hear(connector.control(grant, context)),
    lists: (grant, context) => hear(connector.lists(grant, context)),
    selfCheck: (context) => hear(connector.selfCheck(context)),
    close: () => connector.close(),
  };
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (thrown) {
    return errorCodeOf(thrown);
  }
}
