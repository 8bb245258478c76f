import { beforeAll, describe, expect, it } from 'vitest';
import type { NoticePage } from '../../src/contract/http/notices.ts';
import { noteNews, planDeliveries } from '../../src/store/notices.ts';
import { bindPlaybook } from '../../src/store/playbooks.ts';
import { pager, spec } from '../notices/telling.ts';
import { agentSpec, stop } from '../store/ledger.ts';
import { type CliRig, makeCliRig } from './rig.ts';

const limits = { windowMs: 86_400_000, crowd: 1_000, crowdMs: 60_000, flood: 5, lostMs: 10_000 };

describe('estop notify and playbook', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig([agentSpec('billing-bot', { labels: { team: 'finance' } })], {
      notifications: spec({ endpoints: [pager('https://pager.example.org')] }),
      playbooks: [
        {
          playbookId: 'finance',
          environments: ['test'],
          match: { scopes: [], labels: { team: 'finance' }, triggers: [] },
          category: 1,
          graceMs: 10_000,
          waits: ['purge-queue'],
          notify: ['pager'],
        },
      ],
    });
  });

  it('asks for a test, shows what became of it, and has it acknowledged once', async () => {
    const asked = await rig.run(['notify', 'test', 'pager']);
    expect(asked).toMatchObject({ code: 0 });
    const noticeId = /ntc_test_[0-9a-z]{26}/.exec(asked.stdout)?.[0] ?? '';
    await planDeliveries(rig.ledger.as('estop_revoker'), noticeId, [{ endpoint: 'pager', rung: '', afterMs: 0 }]);
    expect((await rig.run(['notify', 'ls'])).stdout).toMatch(/notify\.test +This is a test +pager open +test/);
    await rig.ledger.sql(
      "UPDATE estop.notice_deliveries SET attempts = 4, answer = 'connector-unavailable' WHERE notice_id = $1",
      [noticeId],
    );
    expect((await rig.run(['notify', 'ls'])).stdout).toContain('pager open after 4: cannot be reached');
    expect((await rig.run(['notify', 'ack', noticeId])).stdout).toContain('acknowledged 1');
    expect((await rig.run(['notify', 'ack', noticeId])).stdout).toContain('had acknowledged it before');
    expect((await rig.run(['notify', 'ls', '--unacknowledged'])).stdout).not.toContain('notify.test');
    expect(JSON.parse((await rig.run(['notify', 'ls', '--json'])).stdout).items[0]).toMatchObject({
      acknowledgedBy: 'olga',
    });
  });

  it('says wherever an operator looks what nobody has said to have seen', async () => {
    const line = /1 escalation that nobody has said to have seen: estop notify ls --escalated/;
    expect((await rig.run(['now'])).stdout).not.toMatch(line);
    const noticeId = /ntc_test_[0-9a-z]{26}/.exec((await rig.run(['notify', 'test', 'pager'])).stdout)?.[0] ?? '';
    const called = { endpoint: 'pager', rung: 'on-call', afterMs: 0 };
    await planDeliveries(rig.ledger.as('estop_revoker'), noticeId, [called]);
    expect((await rig.run(['now'])).stdout).toMatch(line);
    const escalated = async () =>
      (JSON.parse((await rig.run(['notify', 'ls', '--escalated', '--json'])).stdout) as NoticePage).items;
    expect(await escalated()).toMatchObject([{ noticeId, escalates: true }]);
    expect((await rig.run(['notify', 'ack', noticeId])).code).toBe(0);
    expect(await escalated()).toEqual([]);
    expect((await rig.run(['now'])).stdout).not.toMatch(line);
  });

  it('lists page by page, each notice once', async () => {
    for (let nth = 0; nth < 3; nth += 1) expect((await rig.run(['notify', 'test'])).code).toBe(0);
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const more: readonly string[] = cursor === null ? [] : ['--cursor', cursor];
      const { stdout } = await rig.run(['notify', 'ls', '--limit', '2', '--subject', 'test', '--json', ...more]);
      const page = JSON.parse(stdout) as {
        readonly items: readonly { noticeId: string }[];
        readonly next: string | null;
      };
      ids.push(...page.items.map(({ noticeId }) => noticeId));
      cursor = page.next;
    } while (cursor !== null);
    const [{ n } = {}] = await rig.ledger.sql(
      "SELECT count(*)::integer AS n FROM estop.notices WHERE subject = 'test'",
    );
    expect([ids.length, new Set(ids).size]).toEqual([n, n]);
    expect((await rig.run(['notify', 'ls', '--limit', '1'])).stderr).toContain('More: add --cursor');
    expect((await rig.run(['notify', 'ls', '--limit', '0'])).code).toBe(2);
    expect((await rig.run(['notify', 'ls', '--cursor', Buffer.from('["x","y"]').toString('base64url')])).code).toBe(2);
  });

  it('says what is not there, and lets a viewer look alone', async () => {
    expect((await rig.run(['notify', 'test', 'nothing'])).code).toBe(5);
    expect((await rig.run(['notify', 'ack', 'nothing'])).code).toBe(5);
    const env = { ESTOP_TOKEN: rig.tokens.viewer };
    expect((await rig.run(['notify', 'ls'], { env })).code).toBe(0);
    expect((await rig.run(['notify', 'test'], { env })).code).toBe(4);
    expect((await rig.run(['notify', 'ack', 'test'], { env })).code).toBe(4);
  });

  it('tries a playbook, and shows it before a stop that is not ordered', async () => {
    const tried = await rig.run(['playbook', 'test', '--scope', 'agent:billing-bot', '--trigger', 'spend']);
    expect(tried.stdout).toContain('Playbook finance: purge-queue will wait for a person. It also tells pager.');
    expect(tried.stdout).toContain('category 1, grace 10000 ms');
    expect((await rig.run(['playbook', 'test', '--scope', 'fleet'])).stdout).toContain('No playbook fits');
    expect((await rig.run(['playbook', 'test', '--scope', 'everything'])).code).toBe(2);
    const preview = await rig.run(['stop', 'agent', 'billing-bot', '--dry-run']);
    expect(preview.stdout).toContain('purge-queue will wait for a person');
    expect(await rig.ledger.sql('SELECT 1 FROM estop.stops')).toEqual([]);
    expect((await rig.run(['playbook', 'ls'])).stdout).toMatch(/finance +yes +team=finance +purge-queue +pager/);
  });

  it('lets a phase go on that waits, by name and with a reason', async () => {
    const { stopId } = await stop(rig.ledger, 'agent:billing-bot');
    await bindPlaybook(rig.ledger.as('estop_revoker'), stopId, {
      playbookId: 'finance',
      waits: ['purge-queue'],
      notify: [],
    });
    await noteNews(rig.ledger.as('estop_revoker'), limits);
    const proceed = (phase: string, ...more: readonly string[]) =>
      rig.run(['playbook', 'proceed', stopId, phase, ...more]);
    expect((await proceed('purge-queue')).code).toBe(2);
    expect((await proceed('revoke-credential', '--reason', 'x')).code).toBe(2);
    expect((await proceed('disable-integration', '--reason', 'x')).stdout).toContain('it does not wait');
    expect((await proceed('purge-queue', '--reason', 'looked')).stdout).toContain('it goes on within seconds');
    const audited = await rig.ledger.sql(
      "SELECT actor, reason, detail FROM estop.audit WHERE kind = 'playbook.released'",
    );
    expect(audited).toEqual([{ actor: 'olga', reason: 'looked', detail: { phase: 'purge-queue' } }]);
  });
});
