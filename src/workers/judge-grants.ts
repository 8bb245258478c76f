import type { GrantJudge } from '../activities/grant.ts';
import type { ConfigSource } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { errorCodeOf } from '../core/errors.ts';
import { Engine } from '../policy/engine.ts';
import { type PolicyFiles, parsePolicySet } from '../policy/parse-set.ts';
import { activePolicies } from '../store/policies.ts';
import type { Store } from '../store/pool.ts';
import { taskStanding } from '../store/spent.ts';

interface Parts {
  readonly store: Store;
  readonly config: ConfigSource;
  /** Those that come with estop: in force until others are activated. */
  readonly shipped: PolicyFiles;
  readonly log: Log;
}

/**
 * Cedar on the issuing of credentials. The policies are read for each mint, which is seldom: what was activated a moment ago counts.
 * Whatever cannot be read, does not parse or does not evaluate refuses.
 */
export function judgeGrants({ store, config, shipped, log }: Parts): GrantJudge {
  let loaded: { readonly version: string | undefined; readonly engine: Engine } | undefined;
  const onFailure = (why: string): void =>
    log.error({ event: 'policy.failed', why }, 'the policies could not be evaluated; the grant is denied');
  const inForce = async (): Promise<Engine> => {
    const active = await activePolicies(store);
    if (loaded !== undefined && loaded.version === active?.version) return loaded.engine;
    const parsed = parsePolicySet(active?.files ?? shipped);
    if (!parsed.ok || (active !== undefined && parsed.set.version !== active.version))
      throw new Error('the policies in force cannot be read');
    const engine = loaded?.engine ?? new Engine(parsed.set, onFailure);
    if (loaded !== undefined) engine.load(parsed.set);
    loaded = { version: active?.version, engine };
    return engine;
  };
  return async ({ taskId, agentId }, { name, connector, when }) => {
    try {
      const standing = await taskStanding(store, taskId);
      // Last: between this and the decision nothing is waited for, in which another mint could load another set.
      const engine = await inForce();
      const { environment, agents } = config.current();
      const agent = agents.find((one) => one.agentId === agentId);
      if (agent === undefined) return { reason: 'denied-by-policy', policies: ['gate.not-listed'] };
      const decision = engine.decideKind({
        kind: 'grant',
        agent: { agentId, owner: agent.owner, labels: agent.labels },
        resource: { type: 'Connector', id: connector },
        listed: 'exact', // the mint has found it in the configuration
        environment,
        name,
        issued: when === 'first-use' ? 'first-use' : 'at-start',
        flow: { kind: 'unknown', why: 'unavailable' },
        now: Date.now(),
        ...(standing === undefined
          ? {}
          : { purpose: standing.purpose, spend: { task: spent(standing.task), agent: spent(standing.agent) } }),
      });
      if (decision.outcome === 'allow') return undefined;
      return { reason: 'denied-by-policy', policies: decision.policyIds, version: decision.version };
    } catch (thrown) {
      log.error(
        { event: 'policy.not-loaded', code: errorCodeOf(thrown), error: String(thrown) },
        'the policies in force could not be asked; no grant is issued',
      );
      return { reason: 'policy-unavailable', policies: [] };
    }
  };
}

/** A part of a cent counts as one: never less than was spent. */
const spent = ({ calls, tokens, microcents }: NonNullable<Awaited<ReturnType<typeof taskStanding>>>['task']) => ({
  calls,
  tokens,
  cents: Math.ceil(microcents / 1_000_000),
});
