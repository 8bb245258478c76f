import { beforeAll, expect, it } from 'vitest';
import { pages } from '../../src/control/console/pages.ts';
import { appendAudit } from '../../src/store/audit.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec } from '../store/ledger.ts';
import { pagesOf } from './pages.ts';
import { type ConsoleRig, startConsole } from './rig.ts';
import { makeScene, type Scene, sceneConfig } from './scene.ts';

const tool = 'bulk_update_contact_records__in_customer_relationship.management-v2';
const agent = 'customer-relationship-records-assistant-of-accounts';

/** In the page: after which characters lines break within this name, wherever it stands as text. */
const breaksIn = (name: string): string => `(() => {
  const found = [];
  for (const element of document.querySelectorAll('main *')) {
    if (element.closest('svg, select, .fenced') || !element.textContent.includes('${name}')) continue;
    if ([...element.children].some((child) => child.textContent.includes('${name}'))) continue;
    const nodes = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const letters = [];
    for (let node = nodes.nextNode(); node; node = nodes.nextNode())
      for (let at = 0; at < node.length; at += 1) letters.push([node, at]);
    const from = element.textContent.indexOf('${name}');
    const tops = letters.slice(from, from + ${name.length}).map(([node, at]) => {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      return range.getBoundingClientRect();
    });
    if (tops.some(({ height }) => height === 0)) continue;
    found.push(tops.flatMap(({ top, height }, at) => at > 0 && Math.abs(top - tops[at - 1].top) > height / 2 ? ['${name}'[at - 1]] : []).join(''));
  }
  return found;
})()`;

requires('chromium')('long names in the console', () => {
  let rig: ConsoleRig;
  let scene: Scene;
  beforeAll(async () => {
    const config = sceneConfig();
    const spec = agentSpec(agent, { owner: agent, stopHolder: agent, tools: { [`mail/${tool}`]: 'ask' } });
    rig = await startConsole({ ...config, agents: [...config.agents, spec] });
    scene = await makeScene(rig.control.ledger, { ...config, agents: [...config.agents, spec] });
    const { sql } = rig.control.ledger;
    await sql("UPDATE estop.tool_pins SET tool = $1 WHERE tool = 'send_mail'", [tool]);
    await sql('UPDATE estop.approvals SET tool_key = $1, agent_id = $2', [`tool:mail/${tool}`, agent]);
    await sql("UPDATE estop.conduct SET tool_key = $1 WHERE agent_id = 'billing-bot'", [`tool:mail/${tool}`]);
  });

  it('break where a word ends, on a narrow phone, on every page, and push nothing off it', async () => {
    const { page } = await rig.open('adam@admin', { viewport: { width: 320, height: 800 } });
    const addresses = {
      ...pagesOf(scene),
      '/stop': `/stop?scope=agent:${agent}`,
      '/agents/:id': `/agents/${agent}`,
      '/tools/:server/:tool': `/tools/mail/${tool}`,
      '/tasks/:id': `/tasks/${scene.tasks.at(-1)?.taskId ?? ''}`,
      'what to stop': '/stop',
      'stop of a tool': `/stop?scope=tool:mail/${tool}`,
    };
    expect(Object.keys(addresses)).toEqual(expect.arrayContaining(pages.map(({ path }) => path)));
    const seen: string[] = [];
    for (const [name, address] of Object.entries(addresses)) {
      expect([name, (await page.goto(address))?.status()]).toEqual([name, 200]);
      for (const long of [tool, agent]) {
        const breaks = await page.evaluate<string[]>(breaksIn(long));
        expect([name, long, breaks.filter((after) => !/^[_./-]*$/.test(after))]).toEqual([name, long, []]);
        if (breaks.some((after) => after !== '')) seen.push(name);
      }
      const over = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
      expect([name, Number(over) <= 0]).toEqual([name, true]);
    }
    // What does not break tests nothing.
    expect(seen).toEqual(
      expect.arrayContaining(['/', '/approvals', '/approvals/:id', '/agents/:id', '/tools', '/tools/:server/:tool']),
    );
  });

  it('what stands beside others breaks no word, and a count stays on its line', async () => {
    const entry = { kind: 'test.happened', actor: 'configuration', subject: 'x'.repeat(80) };
    await appendAudit(rig.control.ledger.as('estop_control'), { ...entry, detail: { long: 'y '.repeat(60) } });
    const { page } = await rig.open('adam@admin', { viewport: { width: 1440, height: 800 } });
    await page.goto('/audit?kind=test.');
    expect(await page.evaluate(breaksIn('configuration'))).toEqual(['']);
    await page.setViewportSize({ width: 320, height: 800 });
    await page.goto('/policy');
    const heights = await page.evaluate<number[]>(
      "[...document.querySelectorAll('summary > small')].map((count) => count.offsetHeight)",
    );
    expect([heights.length > 0, heights.every((height) => height < 30)]).toEqual([true, true]);
  });
});
