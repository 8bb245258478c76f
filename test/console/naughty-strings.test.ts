import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendAudit } from '../../src/store/audit.ts';
import { latch } from '../../src/store/latch.ts';
import { absentData, requires } from '../kit/requires.ts';
import { newId, order } from '../store/ledger.ts';
import { pagesOf } from './pages.ts';
import { type ConsoleRig, startConsole } from './rig.ts';
import { makeScene, sceneConfig } from './scene.ts';

const list = new URL('../../../shared/data/blns/blns.json', import.meta.url);
const has = existsSync(list);
/** What PostgreSQL takes as text at all. */
const strings = has
  ? (JSON.parse(readFileSync(list, 'utf8')) as string[]).map((text) => text.replaceAll('\0', ''))
  : [];

const inThirds = (part: 0 | 1 | 2): string => strings.filter((_, index) => index % 3 === part).join(' ¶ ');

requires('chromium')('hostile text in the console', () => {
  if (!has) {
    it.skip(`skipped: ${absentData('the big list of naughty strings', list)}`, () => undefined);
    return;
  }
  let rig: ConsoleRig;
  let addresses: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const config = sceneConfig();
    const agents = config.agents.map((agent, index) => ({
      ...agent,
      owner: inThirds((index % 3) as 0 | 1 | 2),
      stopHolder: strings[index] ?? '',
    }));
    rig = await startConsole({ ...config, agents });
    const { ledger } = rig.control;
    const scene = await makeScene(ledger, { ...config, agents });
    addresses = pagesOf(scene);
    // Whatever a person, an agent or a server writes anywhere, written past the checks that would have refused most of it.
    await ledger.sql('UPDATE estop.tasks SET purpose = $1, requested_by = $2', [inThirds(0), strings[20]]);
    await ledger.sql('UPDATE estop.stops SET reason = $1, actor = $2 WHERE stop_id = $3', [
      inThirds(1),
      strings[90],
      scene.stopId,
    ]);
    await ledger.sql("UPDATE estop.approvals SET shown = $1, decision_reason = $2 WHERE state <> 'pending'", [
      strings.join('\n'),
      inThirds(2),
    ]);
    await ledger.sql("UPDATE estop.approvals SET shown = $1 WHERE state = 'pending'", [
      `billing/refund_payment\n${strings.toReversed().join('\n')}`,
    ]);
    await ledger.sql('UPDATE estop.tool_pins SET because = $1, definition = $2', [
      inThirds(1),
      JSON.stringify(Object.fromEntries(strings.map((text) => [text, text]))),
    ]);
    await ledger.sql('UPDATE estop.notices SET acked_by = $1 WHERE acked_by IS NOT NULL', [inThirds(2)]);
    await ledger.sql("UPDATE estop.notice_deliveries SET answer = $1 WHERE state <> 'open'", [inThirds(0)]);
    await ledger.sql('UPDATE estop.secrets SET set_by = $1', [inThirds(1)]);
    for (const [index, text] of strings.entries())
      await appendAudit(ledger.as('estop_control'), {
        kind: 'stop.noted',
        actor: text,
        subject: scene.stopId,
        reason: strings.at(index - 9) ?? '',
        before: { [`was ${text}`]: strings.at(-index - 1) ?? '', same: text },
        after: { text: strings.at(-index) ?? '', same: strings.at(-index) ?? '' },
        detail: { [text]: text },
      });
  });

  it('is text on every page: no element, no request and no dialog comes of it', async () => {
    const { page, faults } = await rig.open('adam@admin');
    const foreign: string[] = [];
    const dialogs: string[] = [];
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== rig.url) foreign.push(request.url());
    });
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    for (const [name, address] of Object.entries(addresses)) {
      const answer = await page.goto(address);
      expect([name, answer?.status()]).toEqual([name, 200]);
      const odd =
        await page.evaluate(`[...document.querySelectorAll('script, iframe, object, embed, base, img, link, style, video, audio, [onerror], [onload], [onclick], [style], [srcdoc]')]
        .filter((one) => !(one.matches('script[src^="/assets/"], img[src^="/assets/"], link[href^="/assets/"]'))).map((one) => one.outerHTML.slice(0, 120))`);
      expect([name, odd]).toEqual([name, []]);
      const links =
        await page.evaluate(`[...document.querySelectorAll('a[href], form[action]')].map((one) => one.getAttribute('href') ?? one.getAttribute('action'))
        .filter((to) => !to.startsWith('/') && !to.startsWith('#') && !to.startsWith('http://ui.example.org/'))`);
      expect([name, links]).toEqual([name, []]);
    }
    expect([foreign, dialogs, faults]).toEqual([[], [], []]);
  });

  it('in a field of a form or an address is an answer below 500, and never comes back as markup', async () => {
    const fields = [
      '/?search=',
      '/?label=',
      '/stop?scope=',
      '/stop/preview?scope=',
      '/tasks?agent=',
      '/agents?search=',
      '/audit?actor=',
      '/audit?kind=',
      '/approvals?cursor=',
      '/playbooks?scope=agent:billing-bot&trigger=',
      '/playbooks?scope=',
      '/notices?subject=',
    ];
    for (const [index, text] of strings.entries()) {
      const path = `${fields[index % fields.length] ?? ''}${encodeURIComponent(text)}`;
      const answer = await rig.control.app.request(path, {
        headers: { host: 'localhost', authorization: 'Bearer adam@admin', accept: 'text/html' },
      });
      const body = await answer.text();
      expect([path, answer.status < 500]).toEqual([path, true]);
      if (/[<>]/.test(text) && text.length > 5) expect([path, body.includes(text)]).toEqual([path, false]);
    }
  });

  it('as the reason of a stop stops all the same', async () => {
    for (const [index, reason] of strings
      .filter((text) => text.length < 500)
      .slice(0, 40)
      .entries()) {
      const stopId = newId('stop');
      const answer = await rig.control.app.request('/stop', {
        method: 'POST',
        headers: {
          host: 'localhost',
          authorization: 'Bearer adam@admin',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ scope: `label:naughty=n${index}`, stopId, reason }).toString(),
      });
      expect([reason, answer.status, answer.headers.get('location')]).toEqual([reason, 303, `/stops/${stopId}`]);
    }
  });
});

describe('a reason of a megabyte', () => {
  it('is shown cut, and says how long it is', async () => {
    const rig = await startConsole();
    const { stopId } = order('label:long=one');
    await latch(rig.control.ledger.as('estop_stop'), { ...order('label:long=one'), stopId });
    await rig.control.ledger.sql('UPDATE estop.stops SET reason = $1 WHERE stop_id = $2', [
      'ab '.repeat(350_000),
      stopId,
    ]);
    const answer = await rig.control.app.request(`/stops/${stopId}`, {
      headers: { host: 'localhost', authorization: 'Bearer vera@viewer', accept: 'text/html' },
    });
    const body = await answer.text();
    expect([answer.status, body.length < 40_000, body.includes('… 1050000 characters')]).toEqual([200, true, true]);
  });
});
