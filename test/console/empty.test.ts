import { beforeAll, expect, it } from 'vitest';
import { pages } from '../../src/control/console/pages.ts';
import { requires } from '../kit/requires.ts';
import { axeFindings } from './browser.ts';
import { type ConsoleRig, startConsole } from './rig.ts';
import { sceneConfig } from './scene.ts';

/** What a page with nothing on it says to do: a link, a command, or the name of what to write in estop.yaml. */
const nextStep: Readonly<Record<string, RegExp>> = {
  '/': /Write the first one under agents[\s\S]*estop config validate/,
  '/stops': /Choose what to stop/,
  '/approvals': /Calls that need a person stand here/,
  '/agents': /estop config validate/,
  '/tasks': /What runs now/,
  '/tools': /under tools/,
  '/connectors': /connectors in estop\.yaml/,
  '/people': /signIn/,
  '/policy': /Try a set on recorded runs/,
  '/playbooks': /under playbooks in estop\.yaml/,
  '/notices': /under notifications/,
  '/secrets': /estop secret set/,
  '/audit': /stands here from then on/,
};
/** What is about one thing has none to show, and what is a form is never empty. */
const never = ['/stop', '/policy/backtest'];

requires('chromium')('an installation in which nothing was ever done', () => {
  let rig: ConsoleRig;
  beforeAll(async () => {
    const { environment, trustDomain } = sceneConfig();
    const nobody = { agents: [], connectors: [], toolServers: [], models: [] };
    rig = await startConsole({ environment, trustDomain, ...nobody });
  });

  it('says on each page what to do next', async () => {
    const lists = pages.map(({ path }) => path).filter((path) => !path.includes(':') && !never.includes(path));
    expect(Object.keys(nextStep).toSorted()).toEqual(lists.toSorted());
    const { page } = await rig.open('adam@admin');
    for (const [path, words] of Object.entries(nextStep)) {
      expect([path, (await page.goto(path))?.status()]).toEqual([path, 200]);
      expect([path, await page.locator('main').innerText()]).toEqual([path, expect.stringMatching(words)]);
      expect([path, await axeFindings(page)]).toEqual([path, []]);
    }
  });
});
