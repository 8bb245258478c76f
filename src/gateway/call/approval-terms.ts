import type { AgentSpec } from '../../contract/config.ts';
import type { AdmitRequest } from '../../store/calls.ts';
import type { Facts } from '../passage.ts';
import { known } from '../passage.ts';
import type { ToolPin } from '../upstream/tool-pin.ts';

/** Under which policy the call asks, and how many people it asks: the stricter of policy and configuration. */
export function approvalTerms(facts: Facts): Pick<AdmitRequest, 'policyVersion' | 'approvers'> {
  const { line, policyVersion = 'none', approvers = 1 } = facts;
  const { pin } = known(facts.tool);
  const isForTwo = known(line).some((agent) => configuredApprovers(agent, pin) === 2);
  return { policyVersion, approvers: isForTwo || approvers === 2 ? 2 : 1 };
}

/** The exact name beats the wildcard, as for marks. */
function configuredApprovers({ approvers = {} }: AgentSpec, tool: Pick<ToolPin, 'serverId' | 'name'>): 1 | 2 {
  for (const pattern of [`${tool.serverId}/${tool.name}`, `${tool.serverId}/*`]) {
    const count = Object.hasOwn(approvers, pattern) ? approvers[pattern] : undefined;
    if (count !== undefined) return count;
  }
  return 1;
}
