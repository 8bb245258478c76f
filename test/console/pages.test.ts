import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { forms, pages } from '../../src/control/console/pages.ts';
import { field } from '../control/rig.ts';
import { requires } from '../kit/requires.ts';
import { axeFindings } from './browser.ts';
import { pagesOf } from './pages.ts';
import { type ConsoleRig, startConsole } from './rig.ts';
import { makeScene, type Scene, sceneConfig } from './scene.ts';

/** `/stops/:id/reset` and an address of that form. */
const isAt = (path: string, action: string): boolean =>
  new RegExp(`^${path.replaceAll(/:[a-z]+/g, '[^/]+')}$`).test(action);

requires('chromium')('every page of the console', () => {
  let rig: ConsoleRig;
  let scene: Scene;
  let addresses: Readonly<Record<string, string>>;
  beforeAll(async () => {
    rig = await startConsole(sceneConfig());
    scene = await makeScene(rig.control.ledger);
    addresses = pagesOf(scene);
  });

  const look = async (page: Page, name: string): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [320, 1280, 3840]) {
        await page.setViewportSize({ width, height: width === 3840 ? 2160 : 800 });
        const where = [name, colorScheme, width];
        // What is wide looks as at 1280, and may only not run over.
        const found = width === 3840 ? [] : await axeFindings(page, colorScheme === 'dark' ? 'colours' : 'everything');
        expect([...where, found]).toEqual([...where, []]);
        const over = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        expect([...where, Number(over) <= 0]).toEqual([...where, true]);
      }
    }
  };

  it('is looked at here', () => {
    expect(Object.keys(addresses).toSorted()).toEqual(pages.map(({ path }) => path).toSorted());
  });

  it('can be read and used by everybody, light and dark, narrow and wide, and asks for nothing that its policy refuses', async () => {
    const { context, page, faults } = await rig.open('adam@admin');
    const said: string[] = [];
    context.on('console', (message) => void said.push(message.text()));
    for (const [name, address] of Object.entries(addresses)) {
      const answer = await page.goto(address);
      expect([name, answer?.status()]).toEqual([name, 200]);
      await look(page, name);
    }
    await page.goto('/');
    await page.keyboard.press('Control+Shift+K');
    await page.locator('#stop-dialog[open]').waitFor();
    await look(page, 'the dialog');
    expect([faults, said]).toEqual([[], []]);
  });

  it('can be read by whoever is not signed in yet, and by whoever is refused', async () => {
    const stranger = (await rig.open('nobody', { extraHTTPHeaders: {} })).page;
    const link = await rig.control.call('POST', '/v1/login-links', { as: 'adam@admin', body: {} });
    const viewer = (await rig.open('vera@viewer')).page;
    for (const [page, address, status] of [
      [stranger, '/sign-in', 200],
      [stranger, String(field(link.body, 'url')), 200],
      [stranger, `/sign-in/link/${'A'.repeat(43)}`, 410],
      [viewer, '/stop?scope=agent:billing-bot', 403],
      [viewer, '/secrets', 403],
      [viewer, '/agents/nobody-of-that-name', 404],
      [viewer, '/audit?since=yesterday', 422],
    ] as const) {
      expect([address, (await page.goto(address))?.status()]).toEqual([address, status]);
      await look(page, address);
    }
  });

  it('has nothing to press that is smaller than a thumb', async () => {
    const { page } = await rig.open('adam@admin', { viewport: { width: 360, height: 800 } });
    for (const [name, address] of Object.entries(addresses)) {
      await page.goto(address);
      const small =
        await page.evaluate(`[...document.querySelectorAll('button, .button, select, summary, nav a, input:not([type=hidden],[type=radio],[type=checkbox])')]
        .filter((one) => one.checkVisibility()).map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
        .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([text]) => text)`);
      expect([name, small]).toEqual([name, []]);
      const hidden = await page.evaluate(
        `[...document.querySelectorAll('nav [aria-current]')].filter((one) => one.getBoundingClientRect().right > innerWidth || one.getBoundingClientRect().left < 0).length`,
      );
      expect([name, 'where one is, in sight', hidden]).toEqual([name, 'where one is, in sight', 0]);
    }
  });

  it('weighs at most 30 kB on the wire, with its stylesheet and script', async () => {
    const fetched = async (path: string): Promise<string> => {
      const answer = await rig.control.app.request(path, {
        headers: { host: 'localhost', authorization: 'Bearer adam@admin', accept: 'text/html' },
      });
      expect([path, answer.status]).toEqual([path, 200]);
      return answer.text();
    };
    for (const [name, address] of Object.entries(addresses)) {
      const page = await fetched(address);
      const assets = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
      const parts = [page, ...(await Promise.all([...new Set(assets)].map(fetched)))];
      const bytes = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
      expect([name, bytes <= 30_000]).toEqual([name, true]);
    }
  });

  it('keeps what belongs to it for good, under a name that changes with it', async () => {
    const { page } = await rig.open('adam@admin');
    await page.goto('/');
    const paths = await page
      .locator('link[rel=stylesheet]')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href')));
    expect(paths).toHaveLength(2);
    for (const path of paths) {
      const answer = await page.request.get(path ?? '');
      expect(answer.headers()['cache-control']).toBe('public, max-age=31536000, immutable');
    }
    expect((await page.request.get('/assets/console-other.css')).status()).toBe(404);
  });

  it('sends whoever is not signed in to sign in, and back to where they wanted', async () => {
    for (const [name, address] of Object.entries(addresses)) {
      const answer = await rig.control.app.request(address, { headers: { host: 'localhost', accept: 'text/html' } });
      const wanted = address === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(address)}`;
      expect([name, answer.status, answer.headers.get('location')]).toEqual([name, 303, wanted]);
    }
  });

  it('names, under a stop, who must do what, what lives on and until when, and calls nothing proved that is not', async () => {
    const { page } = await rig.open('olga@operator');
    await page.goto(`/stops/${scene.stopId}`);
    const needs = await page.locator('#stop-needs').innerText();
    expect(needs).toMatch(/crm · token 77: our own credential is refused \(401\)/);
    expect(needs).toMatch(/Tariq \(owner\), Ines \(stop-holder\)/);
    expect(needs).toMatch(/idp · client mail-bot lives until 2027-01-01 00:00:00 UTC/);
    expect(await page.locator('.verdict').innerText()).toBe('Fenced: needs a person, some access lives on');
    expect(await page.locator('.stages li.done b').allInnerTexts()).toEqual(['latched', 'fenced']);
    expect(await page.locator('main').innerText()).not.toMatch(/proved dead|is dead/i);
    // Accepting a risk is for an admin; this is an operator.
    expect(await page.getByText('It cannot be mended').count()).toBe(0);
    await page.getByText('Let it go on').click();
    await page.getByLabel('Why', { exact: true }).fill('the queue is looked at');
    await page.getByRole('button', { name: 'Go on with purge-queue' }).click();
    await page.locator('h1').waitFor();
  });

  it('leads from a stop and from a task to the connector, and from there back to both', async () => {
    const taskId = scene.tasks[2]?.taskId ?? '';
    const { page } = await rig.open('vera@viewer', { javaScriptEnabled: false });
    const toConnector = async (from: string, where: string): Promise<void> => {
      await page.goto(from);
      await page.locator(where).getByRole('link', { name: 'ledger-db', exact: true }).first().click();
      await page.waitForURL(/\/connectors/);
      const { pathname, hash } = new URL(page.url());
      expect([from, pathname, hash, await page.locator(hash).count()]).toEqual([
        from,
        '/connectors',
        '#connector-ledger-db',
        1,
      ]);
    };
    await toConnector(`/stops/${scene.stopId}?still=true`, '#stop-lanes');
    // One that is not configured any more is shown nowhere: no way leads there.
    await page.goBack();
    expect(await page.locator('#stop-lanes').getByRole('link', { name: 'crm', exact: true }).count()).toBe(0);
    await page.goForward();
    await page.locator('#connector-ledger-db').getByRole('link', { name: 'stop of agent mail-bot' }).click();
    await page.waitForURL((url) => url.pathname === `/stops/${scene.stopId}`);
    await rig.control.ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
       VALUES ('grant_way', 'ledger-db', $1, 'mail-bot', '{mail-bot}', '{fleet}', 1, 'ledger-db', 'role x', false, '{}', 'issued', clock_timestamp() + interval '1 h')`,
      [taskId],
    );
    await toConnector(`/tasks/${taskId}`, '#task-line');
    await page
      .locator('#connector-ledger-db')
      .getByRole('link', { name: `task …${taskId.slice(-6)}` })
      .click();
    await page.waitForURL((url) => url.pathname === `/tasks/${taskId}`);
    // What the timeline names by an id is a way there, and the id is not spelled out.
    await page.goto(`/tasks/${scene.tasks[0]?.taskId ?? ''}`);
    expect(await page.locator('#task-line').innerText()).not.toMatch(/appr_test_/);
    await page
      .locator('#task-line')
      .getByRole('link', { name: `…${scene.approvalId.slice(-6)}` })
      .click();
    await page.waitForURL((url) => url.pathname === `/approvals/${scene.approvalId}`);
  });

  it('takes no form of another site, and lets no site frame it', async () => {
    const asked = (headers: Record<string, string>) =>
      rig.control.app.request('/stop', {
        method: 'POST',
        headers: {
          'host': 'localhost',
          'authorization': 'Bearer adam@admin',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
        },
        body: 'scope=label%3Acsrf%3Dyes',
      });
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }])
      expect([headers, (await asked(headers)).status]).toEqual([headers, 403]);
    expect(await rig.control.ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'label:csrf=yes'")).toEqual([]);
    const page = await rig.control.app.request('/', {
      headers: { host: 'localhost', authorization: 'Bearer adam@admin' },
    });
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(page.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    const api = await rig.control.app.request('/v1/tasks', {
      headers: { host: 'localhost', authorization: 'Bearer adam@admin' },
    });
    expect(api.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  it('writes nothing to the console of a browser, signed in or not: the picture that a browser asks for is there', async () => {
    const { context, page } = await rig.open('nobody', { extraHTTPHeaders: {} });
    const said: string[] = [];
    context.on('console', (message) => void said.push(message.text()));
    const pictures: string[] = [];
    const link = await rig.control.call('POST', '/v1/login-links', { as: 'adam@admin', body: {} });
    for (const address of ['/sign-in', String(field(link.body, 'url'))]) {
      await page.goto(address);
      const icon = await page.locator('link[rel=icon]').getAttribute('href');
      pictures.push(icon ?? '');
    }
    await page.goto('/errors/forbidden');
    for (const picture of [...pictures, '/favicon.ico']) {
      const answer = await page.request.get(picture);
      expect([picture, answer.status(), answer.headers()['content-type']]).toEqual([picture, 200, 'image/svg+xml']);
    }
    expect(said).toEqual([]);
  });

  it('offers under an elevation no form that would be refused because of it, and says why, where it would have been', async () => {
    await rig.control.ledger.sql(
      "INSERT INTO estop.people (person_id, issuer, subject, name, person, disabled_at) VALUES ('p', 'i', 's', 'Zoe', 'zoe', NULL), ('q', 'i', 't', 'Yan', 'yan', now())",
    );
    await rig.control.ledger.sql(
      `INSERT INTO estop.elevations (elevation_id, person_id, name, person, role, reason, life_ms, rule, granted_at, ends_at, ended_at)
       SELECT 'elev_test_' || lpad(n::text, 26, '0'), 'p', 'Zoe', 'zoe', 'operator', 'why', 600000, 'second-person', at, at, at
       FROM unnest(ARRAY[NULL, clock_timestamp()]) WITH ORDINALITY t (at, n)`,
    );
    const shownTo = async (who: string, address: string) => {
      const headers = { authorization: `Bearer ${who}`, accept: 'text/html' };
      const text = await (await fetch(new URL(address, rig.url), { headers })).text();
      const actions = [...text.matchAll(/<form method="post" action="([^"]*)"/g)].map(([, action = '']) => action);
      const refused = actions
        .flatMap((action) => forms.find(({ path }) => isAt(path, action))?.asks ?? [])
        .filter(({ underElevation }) => underElevation === 'refused');
      return { refused, text, isSaid: text.includes('data-elevated') };
    };
    const seen = new Set<string>();
    for (const [name, address] of Object.entries(addresses)) {
      const [plain, elevated] = [await shownTo('adam@admin', address), await shownTo('adam@admin~elevated', address)];
      for (const { id, summary } of plain.refused) {
        seen.add(id);
        expect([name, elevated.text]).toEqual([name, expect.stringContaining(summary.split(/[,;:]/)[0] ?? '')]);
      }
      expect([name, elevated.refused, elevated.isSaid]).toEqual([name, [], plain.refused.length > 0]);
      expect([name, plain.isSaid]).toEqual([name, false]);
    }
    // All that forms ask for, but what is put in force again: nobody has put anything in force here.
    const all = forms.flatMap(({ asks }) => asks).filter(({ underElevation }) => underElevation === 'refused');
    expect(all.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual(['rollBackPolicies']);
  });

  it('looks and changes nothing: a page is only ever asked for', async () => {
    const count = () =>
      rig.control.ledger.sql(
        'SELECT (SELECT count(*) FROM estop.audit) AS audit, (SELECT count(*) FROM estop.stops) AS stops',
      );
    const before = await count();
    for (const address of Object.values(addresses))
      await rig.control.app.request(address, {
        headers: { host: 'localhost', authorization: 'Bearer vera@viewer', accept: 'text/html' },
      });
    expect(await count()).toEqual(before);
  });
});
