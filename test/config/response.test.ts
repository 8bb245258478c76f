import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/runtime/config/load-config.ts';

const parse = (text: string) => parseConfig(`environment: dev\n${text}`);
const faultsOf = (text: string): readonly string[] => {
  const result = parse(text);
  return result.ok ? [] : result.faults.map(({ where, message }) => `${where}: ${message}`);
};
const pager = `
  endpoints:
    pager:
      type: webhook
      url: https://pager.example.org/hook
      secrets: [{ env: PAGER_SECRET }]
`;

describe('notifications in estop.yaml', () => {
  it('an endpoint with nothing else hears of everything, and calls nobody after the other', () => {
    const result = parse(`notifications:${pager}`);
    if (!result.ok) throw new Error(JSON.stringify(result.faults));
    const { notifications } = result.config;
    expect(notifications?.endpoints[0]).toMatchObject({ endpointId: 'pager', network: 'public' });
    expect(notifications?.endpoints[0]?.events).toContain('stop.*');
    expect(notifications?.escalation.steps).toEqual([
      { to: 'owner', afterMs: 0 },
      { to: 'stop-holder', afterMs: 300_000 },
      { to: 'on-call', afterMs: 900_000 },
    ]);
    expect(notifications?.crowd).toEqual({ stops: 20, withinMs: 60_000 });
  });

  it.each([
    [
      'a secret that is a value',
      'secrets: [whsec_abc]',
      'secrets: [{ env: PAGER_SECRET }]',
      'notifications.endpoints.pager.secrets',
    ],
    ['no secret', 'secrets: []', 'secrets: [{ env: PAGER_SECRET }]', 'notifications.endpoints.pager.secrets'],
    [
      'plain http on a public network',
      'url: http://pager.example.org/',
      'url: https://pager.example.org/hook',
      'must be https',
    ],
    [
      'another scheme',
      'url: file:///etc/passwd',
      'url: https://pager.example.org/hook',
      'notifications.endpoints.pager.url',
    ],
  ])('%s is refused', (_what, wrong, right, says) => {
    expect(faultsOf(`notifications:${pager.replace(right, wrong)}`).join('\n')).toContain(says);
  });

  it('names an event, a contact and a person on call that do not exist', () => {
    expect(faultsOf(`notifications:${pager}      events: [stop.started]`).length).toBeGreaterThan(0);
    expect(faultsOf(`notifications:${pager}  contacts: { Olga: phone }`).join()).toContain('names endpoint "phone"');
    expect(faultsOf(`notifications:${pager}  onCall: [duty]`).join()).toContain('names endpoint "duty"');
    const steps = 'escalation: { steps: [{ to: owner, after: 5m }, { to: on-call, after: 1m }] }';
    expect(faultsOf(`notifications:${pager}  ${steps}`).join()).toContain('in the order of their times');
  });

  it('buttons of a chat are off unless people are named, with roles that may decide', () => {
    const chat = (more: string) =>
      `notifications:\n  endpoints:\n    chat: { type: slack, token: { env: SLACK }, channel: C024BE91L${more} }`;
    const plain = parse(chat(''));
    expect(plain.ok && plain.config.notifications?.endpoints[0]).not.toHaveProperty('buttons');
    const buttons = (roles: string) =>
      chat(`, buttons: { signingSecret: { env: S }, team: T1, people: { U1: { actor: Olga, roles: [${roles}] } } }`);
    expect(parse(buttons('approver')).ok).toBe(true);
    expect(parse(buttons('viewer')).ok).toBe(false);
    expect(parse(buttons('')).ok).toBe(false);
  });
});

describe('triggers in estop.yaml', () => {
  const trigger = (from: string, auth: string, rule: string) =>
    `triggers:\n  spend:\n    from: ${from}\n${auth === '' ? '' : `    ${auth}\n`}    rules: [{ ${rule} }]`;
  const secrets = 'secrets: [{ env: SPEND }]';

  it.each([
    ['a webhook with an id out of the alert', trigger('webhook', secrets, 'scope: "agent:{agent}", action: stop')],
    [
      'alertmanager with a bearer',
      trigger('alertmanager', 'bearer: { env: AM }', 'scope: fleet, action: stop, category: 1, grace: 10s'),
    ],
    ['the ledger', trigger('ledger', '', 'match: { event: budget.ended }, scope: "agent:{agent}", action: hold')],
  ])('%s is taken', (_what, text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  it.each([
    ['a webhook that anybody may send', trigger('webhook', '', 'scope: fleet, action: stop')],
    [
      'a webhook with a bearer',
      trigger('webhook', `${secrets}\n    bearer: { env: AM }`, 'scope: fleet, action: stop'),
    ],
    ['alertmanager without anything', trigger('alertmanager', '', 'scope: fleet, action: stop')],
    ['a scope that the alert may choose', trigger('webhook', secrets, 'scope: "{scope}", action: stop')],
    ['a scope with two places', trigger('webhook', secrets, 'scope: "tool:{server}/{tool}", action: stop')],
    ['a label out of the alert', trigger('webhook', secrets, 'scope: "label:{label}", action: stop')],
    ['a hold of the fleet', trigger('webhook', secrets, 'scope: fleet, action: hold')],
    ['a grace without category 1', trigger('webhook', secrets, 'scope: fleet, action: stop, grace: 10s')],
    ['a grace of two minutes', trigger('webhook', secrets, 'scope: fleet, action: stop, category: 1, grace: 99s')],
    ['the ledger without an event', trigger('ledger', '', 'scope: fleet, action: stop')],
    ['a stop that follows a stop', trigger('ledger', '', 'match: { event: stop.latched }, scope: fleet, action: stop')],
    [
      'the ledger with a secret',
      trigger('ledger', secrets, 'match: { event: budget.ended }, scope: fleet, action: stop'),
    ],
    ['an action that resets', trigger('webhook', secrets, 'scope: fleet, action: reset')],
  ])('%s is refused', (_what, text) => {
    expect(faultsOf(text).length).toBeGreaterThan(0);
  });
});

describe('playbooks in estop.yaml', () => {
  const book = (more: string) => `playbooks:\n  finance: { environments: [dev], ${more} }`;

  it('a phase that takes away for good may wait; one that cuts access now may not', () => {
    expect(faultsOf(book('waits: [disable-integration, purge-queue, update-policy-point]'))).toEqual([]);
    for (const phase of ['fence', 'terminate', 'revoke-credential', 'sweep', 'probe', 'latch', 'halt'])
      expect(faultsOf(book(`waits: [${phase}]`)).length).toBeGreaterThan(0);
  });

  it('says for which environments it is approved, and names what exists', () => {
    expect(faultsOf('playbooks:\n  finance: { waits: [purge-queue] }').length).toBeGreaterThan(0);
    expect(faultsOf(book('notify: [pager]')).join()).toContain('names endpoint "pager"');
    expect(faultsOf(book('match: { triggers: [spend] }')).join()).toContain('names trigger "spend"');
    expect(faultsOf(book('match: { scopes: [everything] }')).length).toBeGreaterThan(0);
  });
});
