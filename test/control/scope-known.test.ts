import { beforeAll, describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import { StopPage, StopPreview, StopView } from '../../src/contract/http/stops.ts';
import { recordConfig } from '../../src/store/config-versions.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { agentSpec, type Ledger, newId, stop } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';

describe('whether anybody goes by the name of a stop', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl([
      agentSpec('billing-bot', { labels: { team: 'finance' } }),
      agentSpec('mail-bot', { labels: { team: 'crm' } }),
    ]);
    ledger = rig.ledger;
  });

  async function saysWhetherKnown(at: ControlRig, scopeKey: string, scopeKnown: boolean): Promise<void> {
    const { stopId } = await stop(ledger, scopeKey);
    const shown = await at.call('GET', `/v1/stops/${stopId}`, { as: 'viewer' });
    expect(StopView.parse(shown.body), scopeKey).toMatchObject({ inForce: true, scopeKnown });
    const { body } = await at.call('POST', '/v1/stops:preview', { as: 'viewer', body: { scopeKey } });
    expect(StopPreview.parse(body).scopeKnown, scopeKey).toBe(scopeKnown);
    const listed = StopPage.parse((await at.call('GET', '/v1/stops?limit=1', { as: 'viewer' })).body);
    expect(listed.items, scopeKey).toMatchObject([{ stopId, scopeKnown }]);
  }

  it('is said of every stop, and its latch never asked', async () => {
    const known = ['agent:billing-bot', 'label:team=crm'];
    const others = 'agent:biling-bot label:team=crms connector:a tool:a/b model:a'.split(' ');
    for (const scopeKey of [...others, `task:${newId('task')}`, ...known])
      await saysWhetherKnown(rig, scopeKey, known.includes(scopeKey));
    // Nor does a card of the console look as if something had been stopped.
    for (const path of ['/', '/stops']) {
      const { text } = await rig.call('GET', path, { as: 'viewer' });
      const cards = text
        .split('<article')
        .map((from) => from.split('</article>')[0] ?? '')
        .filter((card) => card.includes('/stops/stop_'));
      expect(cards.length).toBeGreaterThan(2);
      for (const card of cards) {
        const isKnown = /billing-bot|team=crm</.test(card);
        expect(card.includes('Stopped nobody')).toBe(!isKnown);
        expect(card.includes('Nothing was stopped: nobody goes by this name')).toBe(!isKnown);
      }
    }
  });

  it('knows a tool that a server listed once, or that estop.yaml names, and no other of that server', async () => {
    const [tool, definition] = ['read_file', '{"name":"read_file"}'];
    const listed = { tool, hash: 'h', definition, tier: 'read', labels: [], because: 'it reads', look: tool } as const;
    for (const serverId of ['files', 'gone']) await noteTools(ledger.as('estop_gateway'), serverId, [listed]);
    const [bot] = rig.deps.config.current().agents;
    const config: EstopConfig = {
      ...rig.deps.config.current(),
      agents: bot === undefined ? [] : [{ ...bot, tools: { 'files/*': 'allow', 'files/write_file': 'ask' } }],
      toolServers: [
        {
          serverId: 'files',
          url: 'http://127.0.0.1:1/mcp',
          tiers: { wipe: 'destructive' },
          labels: { scan: ['private'] },
          roles: { send: { to: 'party' } },
        },
        { serverId: 'files-2', url: 'http://127.0.0.1:1/mcp' },
      ],
    };
    const configured = rig.withDeps({ config: { current: () => config } });
    const known =
      'files/read_file gone/read_file files/write_file files/wipe files/scan files/send files/resources.read files-2/prompts.get';
    const unknown =
      'files/reed_file gone/write_file files-2/read_file files-2/wipe gone/resources.read files/resources files/constructor';
    for (const name of known.split(' ')) await saysWhetherKnown(configured, `tool:${name}`, true);
    for (const name of unknown.split(' ')) await saysWhetherKnown(configured, `tool:${name}`, false);
  });

  it('knows a connector and a model that estop.yaml names, or named once', async () => {
    const named = (id: string): EstopConfig => ({
      ...rig.deps.config.current(),
      connectors: [{ connectorId: id, system: 'postgres', options: {} }],
      models: [{ modelId: id, provider: 'openai-compatible', model: 'm' }],
    });
    await recordConfig(ledger.as('estop_control'), 'configuration', 'older', named('old'));
    const configured = rig.withDeps({ config: { current: () => named('new') } });
    for (const kind of ['connector', 'model']) {
      for (const id of ['old', 'new']) await saysWhetherKnown(configured, `${kind}:${id}`, true);
      await saysWhetherKnown(configured, `${kind}:newt`, false);
    }
  });
});
