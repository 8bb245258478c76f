import { z } from 'zod';
import { connectorSystems } from '../../connectors/index.ts';
import {
  type AgentSpec,
  type ConnectorSpec,
  defaultSessionLimits,
  type EstopConfig,
  type ModelSpec,
  type ToolServerSpec,
} from '../../contract/config.ts';
import { isEnvironment, isName } from '../../core/ids.ts';
import { looksLikeOurs } from '../../core/look-alike.ts';
import { labelKey, modelKey, parseScopeKey, toolKey } from '../../core/scope-key.ts';
import { approvalKeys } from './approval-schema.ts';
import { credentialFaults } from './credential-faults.ts';
import { credentialKeys, credentialsOf, grantBlock, upstreamSecret, vaultBlock, vaultOf } from './credential-schema.ts';
import { drillsBlock, drillsOf } from './drills-schema.ts';
import { breakerRulesOf, breakers, budgetLimitsOf, budgets } from './limits-schema.ts';
import { modelBlock, onlyGiven } from './model-schema.ts';
import { type ConfigProblem, problemsOf } from './problems-of.ts';
import { processKeys, reachFault, reachOf } from './process-schema.ts';
import { responseKeys, responseOf } from './response-schema.ts';
import { agentClients, signInBlock } from './sign-in-schema.ts';
import { reviewOf, toolReview } from './tool-server-schema.ts';
import { unknownName } from './unknown-name.ts';

const name = z
  .string()
  .refine(isName, 'must be 1-63 lower-case letters, digits or hyphens, and begin and end with a letter or digit');
const person = z.string().min(1).max(200);
const modelName = z
  .string()
  .refine((text) => parseScopeKey(modelKey(text)) !== undefined, 'must be a model id without spaces');
const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

const spelledOut = 'must be a whole number with ms, s, m or h, such as 15m';
const duration = z
  .string(spelledOut)
  .regex(/^[1-9][0-9]{0,6}(ms|s|m|h)$/, spelledOut)
  .transform((text) => {
    const unit = /[a-z]+$/.exec(text)?.[0] as keyof typeof units; // the pattern above admits exactly these units
    return Number.parseInt(text, 10) * units[unit];
  });

const toolPattern = z.string().refine((text) => {
  const slash = text.indexOf('/');
  if (slash < 1) return false;
  const [server, tool] = [text.slice(0, slash), text.slice(slash + 1)];
  return tool === '*' ? isName(server) : parseScopeKey(toolKey(server, tool)) !== undefined;
}, 'must be <server>/<tool> or <server>/*');

/** `<server>/<name>`, where the name may end with a star for all that begin so. */
const named = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[^*]*\*?$/, 'must be <server>/<name> or <server>/<beginning>*');

const labels = z.record(z.string(), z.string()).superRefine((value, context) => {
  for (const [key, text] of Object.entries(value)) {
    if (parseScopeKey(labelKey(key, text)) === undefined)
      context.addIssue({ code: 'custom', path: [key], message: 'is not a valid label' });
  }
});

const limits = z.strictObject({
  maxSteps: z.int().min(1).max(10_000).default(50),
  maxTokens: z.int().min(1).default(1_000_000),
  maxDepth: z.int().min(0).max(16).default(3),
  maxFanOut: z.int().min(0).max(1_000).default(10),
  maxOpenTasks: z.int().min(1).max(100_000).default(1_000),
  approvalTtl: duration.default(15 * units.m),
});

const session = z
  .strictObject({
    idle: duration.default(defaultSessionLimits.idleMs),
    life: duration.default(defaultSessionLimits.lifeMs),
  })
  .transform(({ idle, life }) => ({ idleMs: idle, lifeMs: life }));

const grant = grantBlock(name, duration);

const agent = z.strictObject({
  owner: person.describe('Who answers for this agent.'),
  stopHolder: person.describe('Who may stop it when the owner is away.'),
  labels: labels.default({}),
  model: modelName,
  models: z.array(modelName).max(100).default([]).describe('Models that it may use besides.'),
  tools: z
    .record(toolPattern, z.enum(['allow', 'ask']))
    .default({})
    .describe('Tools it may call. What is not listed is denied.'),
  ...approvalKeys(duration, toolPattern),
  session: session.prefault({}).describe('When a session of an agent outside ends by itself.'),
  grants: z.array(grant).max(50).default([]),
  resources: z
    .array(named)
    .max(500)
    .default([])
    .describe('Resources it may read, beside all of a server whose line in `tools` is `<server>/*: allow`.'),
  prompts: z.array(named).max(500).default([]).describe('Prompts it may use, in the same way.'),
  mayStart: z.array(name).default([]).describe('Agents whose tasks its tasks may start.'),
  delegation: z
    .enum(['intersect', 'own'])
    .optional()
    .describe(
      'What those tasks may do: no more than this agent itself (intersect), or all that their own agents may (own).',
    ),
  identities: z
    .array(z.string().min(1).max(320))
    .max(200)
    .optional()
    .describe('Addresses, accounts and names of those it works for.'),
  contacts: z
    .record(z.string().min(1).max(200), z.array(z.string().min(1).max(320)).max(20))
    .optional()
    .describe('Name, and the addresses that it is known to bear.'),
  clients: agentClients,
  limits: limits.prefault({}),
  budgets,
  breakers,
});

const toolServer = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).optional(),
  ...processKeys(upstreamSecret),
  ...credentialKeys(duration),
  ...toolReview,
});
const connector = z.looseObject({
  system: z.enum(connectorSystems.map((member) => member.system) as [string, ...string[]]),
}); // zod wants a non-empty tuple; the registry is never empty

export const EstopYaml = z.strictObject({
  environment: z
    .string()
    .refine(isEnvironment, 'must be 1-16 lower-case letters or digits, beginning with a letter')
    .default('dev'),
  trustDomain: z
    .string()
    .regex(/^[a-z0-9._-]{1,255}$/)
    .default('estop.local'),
  agents: z.record(name, agent).default({}),
  connectors: z.record(name, connector).default({}),
  tools: z
    .record(
      name.refine((id) => !looksLikeOurs(id), 'reads like the name of our own tools'),
      toolServer,
    )
    .default({})
    .describe('Upstream MCP servers by name.'),
  models: z.record(modelName, modelBlock(upstreamSecret)).default({}),
  vault: vaultBlock(duration).optional().describe('OpenBao or Vault, for credentials of upstreams.'),
  policies: z
    .strictObject({
      activationPeople: z
        .union([z.literal(1), z.literal(2)])
        .default(1)
        .describe('How many people must want a set of policies before it is in force.'),
    })
    .optional(),
  ...responseKeys,
  drills: drillsBlock(duration),
  signIn: signInBlock({ duration, labels }).optional(),
});

type Parsed = z.output<typeof EstopYaml>;

/** What one block alone cannot show: references between blocks, and the options that only a connector's own schema knows. */
export function resolveConfig(parsed: Parsed): {
  readonly config: EstopConfig;
  readonly problems: readonly ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  const connectors = Object.entries(parsed.connectors).map(([connectorId, block]): ConnectorSpec => {
    const { system, ...rest } = block;
    const options = checkOptions(systemOf(system)?.optionsSchema, rest, ['connectors', connectorId], problems);
    return { connectorId, system, options };
  });
  const agents = Object.entries(parsed.agents).map(([agentId, block]): AgentSpec => {
    const at = ['agents', agentId];
    if (!Object.hasOwn(parsed.models, block.model))
      problems.push({
        path: [...at, 'model'],
        message: unknownName('model', block.model, 'models', Object.keys(parsed.models)),
      });
    block.models.forEach((other, index) => {
      if (!Object.hasOwn(parsed.models, other))
        problems.push({
          path: [...at, 'models', index],
          message: unknownName('model', other, 'models', Object.keys(parsed.models)),
        });
    });
    for (const pattern of Object.keys(block.tools)) {
      const server = pattern.slice(0, pattern.indexOf('/'));
      if (!Object.hasOwn(parsed.tools, server))
        problems.push({
          path: [...at, 'tools', pattern],
          message: unknownName('server', server, 'tools', Object.keys(parsed.tools)),
        });
    }
    block.mayStart.forEach((other, index) => {
      if (!Object.hasOwn(parsed.agents, other))
        problems.push({
          path: [...at, 'mayStart', index],
          message: unknownName('agent', other, 'agents', Object.keys(parsed.agents)),
        });
    });
    const seen = new Set<string>();
    const grants = block.grants.map((item, index) => {
      const where = [...at, 'grants', index];
      if (seen.has(item.name)) problems.push({ path: [...where, 'name'], message: `is used twice ("${item.name}")` });
      seen.add(item.name);
      const owner = parsed.connectors[item.connector];
      if (owner === undefined)
        problems.push({
          path: [...where, 'connector'],
          message: unknownName('connector', item.connector, 'connectors', Object.keys(parsed.connectors)),
        });
      const options = checkOptions(systemOf(owner?.system)?.grantSchema, item.options, [...where, 'options'], problems);
      const when = item.when === undefined ? {} : { when: item.when };
      return { name: item.name, connector: item.connector, lifeMs: item.life, ...when, options };
    });
    const { approvalTtl, ...caps } = block.limits;
    const { delegation, identities, contacts, clients, budgets: amounts, breakers: patterns, ...rest } = block;
    return {
      agentId,
      ...rest,
      ...budgetLimitsOf(amounts),
      breakers: breakerRulesOf(patterns),
      ...onlyGiven({ delegation, identities, contacts, clients }),
      grants,
      limits: { ...caps, approvalTtlMs: approvalTtl },
    };
  });
  const credentialsIn = (serverId: string, block: Parsed['tools'][string]): ReturnType<typeof credentialsOf> => {
    const credentials = credentialsOf(block);
    const { grant } = credentials;
    if (grant === undefined) return credentials;
    const schema = systemOf(parsed.connectors[grant.connector]?.system)?.grantSchema;
    const options = checkOptions(schema, grant.options, ['tools', serverId, 'credential', 'options'], problems);
    return { ...credentials, grant: { ...grant, options } };
  };
  const toolServers = Object.entries(parsed.tools).map(([serverId, block]): ToolServerSpec => {
    const fault = reachFault(block);
    if (fault !== undefined) problems.push({ path: ['tools', serverId], message: fault });
    return {
      serverId,
      ...reachOf(block),
      ...credentialsIn(serverId, block),
      ...reviewOf(block),
    };
  });
  const models = Object.entries(parsed.models).map(
    ([modelId, block]): ModelSpec => ({
      modelId,
      ...onlyGiven(block),
    }),
  );
  const config: EstopConfig = {
    environment: parsed.environment,
    trustDomain: parsed.trustDomain,
    agents,
    connectors,
    toolServers,
    models,
    ...(parsed.policies === undefined ? {} : { policies: parsed.policies }),
    ...(parsed.signIn === undefined ? {} : { signIn: parsed.signIn }),
    ...responseOf(parsed, problems),
    ...drillsOf(parsed.drills, Object.keys(parsed.connectors), problems),
    ...(parsed.vault === undefined ? {} : { vault: vaultOf(parsed.vault) }),
  };
  return { config, problems: [...problems, ...credentialFaults(config)] };
}

function systemOf(system: string | undefined) {
  return connectorSystems.find((member) => member.system === system);
}

function checkOptions(
  schema: z.ZodType | undefined,
  value: unknown,
  at: readonly (string | number)[],
  problems: ConfigProblem[],
): unknown {
  if (schema === undefined) return value;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  problems.push(...problemsOf(result.error.issues, schema, at));
  return value;
}
