import type { EstopConfig } from '../contract/config.ts';
import type { ToolPin } from '../contract/http/tools.ts';
import type { ToolPinSummary } from '../store/tool-pins.ts';

export function showTool(pin: ToolPinSummary, config: EstopConfig): ToolPin {
  const tiers = config.toolServers.find(({ serverId }) => serverId === pin.serverId)?.tiers ?? {};
  return {
    tool: `${pin.serverId}/${pin.tool}`,
    hash: pin.hash,
    state: pin.state,
    proposedTier: pin.tier,
    because: pin.because,
    decidedTier: Object.hasOwn(tiers, pin.tool) ? (tiers[pin.tool] ?? null) : null,
    labels: [...pin.labels],
    resembles: pin.resembles ?? null,
    firstSeenAt: pin.firstSeenAt,
    lastSeenAt: pin.lastSeenAt,
    acceptedBy: pin.acceptedBy ?? null,
    acceptedAt: pin.acceptedAt ?? null,
  };
}
