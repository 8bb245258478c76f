import type { EstopConfig, ToolServerSpec } from '../../contract/config.ts';
import type { Tier } from '../../core/flow/facts.ts';
import type { ToolDefinition } from '../../core/flow/tool/tool-definition.ts';
import { proposeProfile, type ToolProfile } from '../../core/flow/tool/tool-profile.ts';
import type { ToolStanding } from '../../store/tool-pins.ts';
import type { ToolPin } from './tool-pin.ts';

type Definition = ToolPin['definition'];
type Annotations = Definition['annotations'];

/** What is proposed for a definition at first sight; the record keeps it, so that a later version of the rule changes no tool unasked. */
export function proposalFor(definition: Definition): Pick<ToolProfile, 'tier' | 'labels' | 'because'> {
  return proposeProfile(describedBy(definition));
}

/** Only what the specification has: a server cannot bring labels of its own. */
const describedBy = ({ name, description, inputSchema, annotations }: Definition): ToolDefinition => ({
  name,
  description,
  inputSchema,
  annotations,
});

interface Made {
  readonly spec: ToolServerSpec;
  readonly tier: Tier;
  readonly profile: ToolProfile;
}

const made = new WeakMap<ToolPin, Made>();

/** One for each pin, until the configuration says something else of its server. */
export function profileOf(pin: ToolPin, standing: ToolStanding, spec: ToolServerSpec): ToolProfile {
  const known = made.get(pin);
  if (known?.spec === spec && known.tier === standing.tier) return known.profile;
  const profile = makeProfile(pin, standing, spec);
  made.set(pin, { spec, tier: standing.tier, profile });
  return profile;
}

/** estop.yaml decides; else a trusted server's annotations; else what was proposed and recorded. */
function makeProfile(
  { name, scopeKey, definition, definitionHash }: ToolPin,
  standing: ToolStanding,
  spec: ToolServerSpec,
): ToolProfile {
  const decided = of(spec.tiers, name);
  const tier = decided ?? (spec.trusted === true ? lowered(standing.tier, definition.annotations) : standing.tier);
  const labels = of(spec.labels, name) ?? standing.labels;
  const profile: ToolProfile = {
    ...proposeProfile(describedBy(definition), { tier, labels }),
    key: `${scopeKey} ${definitionHash}`,
  };
  const roles = of(spec.roles, name);
  if (roles === undefined) return profile;
  const given = profile.arguments.map((argument) => {
    const role = of(roles, argument.name);
    return role === undefined ? argument : { ...argument, role: role === 'none' ? undefined : role };
  });
  return { ...profile, arguments: given };
}

/** What an annotation that is believed makes of a tier. One that says nothing lowers nothing. */
function lowered(tier: Tier, annotations: Annotations): Tier {
  if (annotations?.readOnlyHint === true) return tier === 'write' || tier === 'destructive' ? 'read' : tier;
  if (annotations?.destructiveHint === false && tier === 'destructive') return 'write';
  return tier;
}

/** A tool may be called `constructor`: only what was written counts. */
function of<Value>(record: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

const indexes = new WeakMap<EstopConfig, ReadonlyMap<string, ToolServerSpec>>();

/** The server as it is configured now: a review that is reloaded holds for the next call. */
export function serverSpecOf(config: EstopConfig, serverId: string): ToolServerSpec | undefined {
  let index = indexes.get(config);
  if (index === undefined) {
    index = new Map(config.toolServers.map((server) => [server.serverId, server]));
    indexes.set(config, index);
  }
  return index.get(serverId);
}
