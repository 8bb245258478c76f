import type { GrantSpec } from '../../contract/config.ts';
import { mayHoldGrant } from '../../contract/delegation.ts';
import { grantSpecOf } from '../../contract/tool-grant.ts';
import type { HandOver } from '../../store/grants.ts';
import { known, type Passage } from '../passage.ts';
import { rightsOf } from '../rights.ts';

/**
 * What the configuration says now of a grant of this task: of its own agent, if every agent that it works for may hold the same. It was
 * issued under the configuration of then, and may live on for as long as its task does.
 */
export function listedGrant({ host, facts }: Passage, name: string): GrantSpec | undefined {
  const config = host.config.current();
  const claims = known(facts.claims);
  const line = rightsOf(config, claims);
  const spec = grantSpecOf(config, claims.agentId, name);
  return line !== undefined && spec !== undefined && mayHoldGrant(line, spec) ? spec : undefined;
}

/** Another connector, or other options of the same: what was issued is not what is listed. */
export const isAsListed = (
  grant: Extract<HandOver, { readonly kind: 'handed-over' }>,
  { connector, options }: GrantSpec,
): boolean => grant.connector === connector && grant.options === JSON.stringify(options);
