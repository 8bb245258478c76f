import type { AgentSpec } from '../../contract/config.ts';
import type { AdmitRequest } from '../../store/calls.ts';
import type { Facts } from '../passage.ts';
import { known } from '../passage.ts';
import type { ToolPin } from '../upstream/tool-pin.ts';

/** Under which policy the call asks, and how many people it asks: the stricter of policy and configuration. */
export function approvalTerms(facts: Facts): Pick<AdmitRequest, 'policyVersion' | 'approvers'> {
  const { agent, policyVersion = 'none', approvers = 1 } = facts;
  const configured = configuredApprovers(known(agent), known(facts.tool).pin);
  return { policyVersion, approvers: configured === 2 || approvers === 2 ? 2 : 1 };
}

/** The exact name beats the wildcard, as for marks. */
function configuredApprovers({ approvers = {} }: AgentSpec, tool: Pick<ToolPin, 'serverId' | 'name'>): 1 | 2 {
  for (const pattern of [`${tool.serverId}/${tool.name}`, `${tool.serverId}/*`]) {
    const count = Object.hasOwn(approvers, pattern) ? approvers[pattern] : undefined;
    if (count !== undefined) return count;
  }
  return 1;
}
