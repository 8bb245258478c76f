import type { EstopConfig } from '../contract/config.ts';
import type { ToolPin } from '../contract/http/tools.ts';
import type { ToolPinSummary } from '../store/tool-pins.ts';

/** What people say of a tool in estop.yaml; it decides. */
export function decidedTier(serverId: string, tool: string, { toolServers }: EstopConfig): ToolPin['decidedTier'] {
  const tiers = toolServers.find((one) => one.serverId === serverId)?.tiers ?? {};
  return Object.hasOwn(tiers, tool) ? (tiers[tool] ?? null) : null;
}

export function showTool(pin: ToolPinSummary, config: EstopConfig): ToolPin {
  return {
    tool: `${pin.serverId}/${pin.tool}`,
    hash: pin.hash,
    state: pin.state,
    proposedTier: pin.tier,
    because: pin.because,
    decidedTier: decidedTier(pin.serverId, pin.tool, config),
    labels: [...pin.labels],
    resembles: pin.resembles ?? null,
    firstSeenAt: pin.firstSeenAt,
    lastSeenAt: pin.lastSeenAt,
    acceptedBy: pin.acceptedBy ?? null,
    acceptedAt: pin.acceptedAt ?? null,
  };
}
