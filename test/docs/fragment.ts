import { parse, stringify } from 'yaml';

type Tree = Readonly<Record<string, unknown>>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const somebody = { owner: 'you@example.com', stopHolder: 'them@example.com', model: 'some-model' };

/** What the fragments of the pages speak of and do not say themselves. */
const around: Tree = {
  environment: 'dev',
  models: Object.fromEntries(
    ['some-model', 'small'].map((id) => [
      id,
      { provider: 'openai', model: 'm', apiKey: { env: 'KEY' }, price: { input: 1, output: 1 } },
    ]),
  ),
  connectors: {
    'billing-db': { system: 'postgres', adminUrl: { env: 'ADMIN_URL' } },
    'orders-oauth': {
      system: 'oauth',
      issuer: 'https://orders.example',
      initialAccessToken: { env: 'FIRST_TOKEN' },
      control: { clientId: 'control', clientSecret: { env: 'CONTROL_SECRET' } },
      resourceUrl: 'https://orders.example/api',
    },
  },
  tools: Object.fromEntries(['billing', 'files', 'wiki'].map((id) => [id, { url: `https://${id}.example/mcp` }])),
  agents: {},
};
const agentsAround = ['billing-bot', 'mail-bot'];

/** A fragment of estop.yaml with what it takes to be whole: its agents belong to somebody, and what it names is there. */
export function completed(fragment: string): string {
  const said: unknown = parse(fragment) ?? {};
  if (!isTree(said)) return fragment;
  const agents = isTree(said['agents']) ? said['agents'] : {};
  const all = Object.fromEntries(
    [...new Set([...agentsAround, ...Object.keys(agents)])].map((id) => {
      const own = agents[id];
      return [id, isTree(own) ? { ...somebody, ...own } : somebody];
    }),
  );
  const whole: Record<string, unknown> = { ...around, ...said, agents: all };
  for (const name of ['models', 'connectors', 'tools'])
    if (isTree(said[name])) whole[name] = { ...(around[name] as Tree), ...said[name] }; // `around` has all three, as trees
  return stringify(whole);
}
