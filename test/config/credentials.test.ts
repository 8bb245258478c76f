import { describe, expect, it } from 'vitest';
import { sharedCredentials } from '../../src/contract/credential-use.ts';
import { parseConfig } from '../../src/runtime/config/load-config.ts';

const withTools = (tools: string, more = ''): string => `
environment: dev
agents:
  one: {owner: a, stopHolder: b, model: m, tools: {crm/act: allow, mail/*: ask}}
  two: {owner: a, stopHolder: b, model: m, tools: {crm/act: allow}}
  three: {owner: a, stopHolder: b, model: m, tools: {}, resources: [files/x*]}
connectors:
  clock: {system: temporal, address: '127.0.0.1:7233', namespace: estop-agents, network: loopback}
models:
  m: {provider: openai, model: gpt}
tools:
${tools}
${more}`;
const parsed = (text: string) => {
  const result = parseConfig(text);
  return result.ok ? result.config : result.faults.map(({ where, message }) => `${where}: ${message}`).join('\n');
};
const mail = '  mail: {url: "http://127.0.0.1:1"}\n  files: {url: "http://127.0.0.1:1"}';
const vault = 'vault: {url: "http://127.0.0.1:8200", network: loopback, token: {env: T}}';

describe('credentials in estop.yaml', () => {
  it('of one server for two agents are refused, unless it says whose they are', () => {
    const crm = (more: string): string =>
      `  crm: {url: "http://127.0.0.1:1", credential: {secret: crm}${more}}\n${mail}`;
    expect(parsed(withTools(crm('')))).toMatch(
      /tools\.crm\.credential: is one credential for one, two: give each its own/,
    );
    expect(parsed(withTools(crm(', sharedBy: [one]')))).toContain('is one credential for one, two');
    const said = parsed(withTools(crm(', sharedBy: [one, two]')));
    expect(said).toMatchObject({ toolServers: [{ sharedBy: ['one', 'two'] }, {}, {}] });
    expect(typeof said === 'string' ? [] : sharedCredentials(said)).toEqual([
      { at: 'tools.crm', agents: ['one', 'two'] },
    ]);
    expect(parsed(withTools(crm(', sharedBy: [one, two, four]')))).toContain('names "four"');
  });

  it('are an agent’s own where each has one, and one place of two agents is found wherever it is named', () => {
    const own = (second: string): string =>
      withTools(`  crm: {url: "http://127.0.0.1:1", credentials: {one: {env: A}, two: ${second}}}\n${mail}`);
    expect(typeof parsed(own('{env: B}'))).toBe('object');
    expect(parsed(own('{env: A}'))).toContain('is one credential for one, two');
    expect(parsed(own('{env: B}, four: {env: C}'))).toContain('credentials.four: is no agent');
    const elsewhere = `  crm: {url: "http://127.0.0.1:1", credentials: {one: {env: A}, two: {env: B}}}
  mail: {url: "http://127.0.0.1:1"}
  files: {command: serve, env: {TOKEN: {env: B}}}`;
    expect(parsed(withTools(elsewhere))).toContain('is one credential for two, three');
  });

  it('may be a path of the vault, if there is one, and of nowhere else', () => {
    const crm = (path: string): string =>
      `  crm: {url: "http://127.0.0.1:1", credentials: {one: {vault: {path: "${path}", field: token}}}}\n${mail}`;
    expect(parsed(withTools(crm('team/a')))).toContain('there is no block `vault`');
    expect(parsed(withTools(crm('team/a'), vault))).toMatchObject({ vault: { refreshMs: 30_000, staleMs: 300_000 } });
    for (const path of ['../sys/auth', 'a/../../sys', '/a', 'a//b', 'a?b', 'a/./b', ''])
      expect(typeof parsed(withTools(crm(path), vault)), path).toBe('string');
    expect(parsed(withTools(crm('a'), vault.replace('token: {env: T}', 'refresh: 1m')))).toContain(
      'either token or appRole',
    );
    expect(parsed(withTools(crm('a'), vault.replace('env: T', 'secret: x')))).toContain('vault.token');
  });

  it('may be a grant of a connector, with options that its system knows', () => {
    const crm = (credential: string): string =>
      `  crm: {url: "http://127.0.0.1:1", credential: ${credential}}\n${mail}`;
    const good = parsed(
      withTools(crm('{grant: clock, options: {workflowType: wakeUp, taskQueue: q}, list: {env: LIST}}')),
    );
    expect(good).toMatchObject({
      toolServers: [
        { grant: { connector: 'clock', field: 'accessToken', lifeMs: 900_000 }, credential: { env: 'LIST' } },
        {},
        {},
      ],
    });
    expect(parsed(withTools(crm('{grant: watch}')))).toContain('names connector "watch"');
    expect(parsed(withTools(crm('{grant: clock, options: {nonsense: 1}}')))).toContain('tools.crm.credential.options');
    expect(parsed(withTools(`  crm: {command: serve, credential: {env: A}}\n${mail}`))).toContain('is a process');
  });
});
