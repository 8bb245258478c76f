/** Where a thing lies, said by the tool that was asked for it, or that made it. */
import { describe, expect, it } from 'vitest';
import { held, type Seen, tool } from './held.ts';

const bring = tool('bring_sources', 'Clone sources into a folder', 'url', 'folder');
const look = tool('get_shed', 'Get the details of a shed', 'shed');
const fork = tool('fork_shed', 'Fork a shed into the own account', 'shed');
const request = 'Fork mara/kelp, look at mara/kelp and bring the sources to /srv/src/kelp';
const to = (url: string) => ({ url, folder: '/srv/src/kelp' });
const seen = (by: Seen['tool'], args: Seen['args'], output: unknown): Seen => ({
  tool: by,
  args,
  output: typeof output === 'string' ? output : JSON.stringify(output),
});
const named = { shed: 'mara/kelp' };
const url = 'https://sheds.example/mara/kelp';

describe('the address of what the user named', () => {
  it.each([
    ['as it was looked up', seen(look, named, { full_name: 'mara/kelp', stars: 3, html_url: url })],
    ['as lines say it', seen(look, named, `full_name: mara/kelp\nprivate: true\nurl: ${url}`)],
    ['with the ending of sources', seen(look, named, { name: 'mara/kelp', clone_url: `${url}.git` })],
  ])('may be gone to, %s', (_how, before) => {
    const given = before.output.includes('.git') ? `${url}.git` : url;
    expect(held(request, bring, to(given), before)).toEqual([]);
  });

  it.each([
    [
      'is one that text speaks of',
      seen(look, named, { full_name: 'mara/kelp', about: `It moved to ${url} last week.` }),
    ],
    ['is a home page that its owner chose', seen(look, named, { full_name: 'mara/kelp', homepage: url })],
    [
      'is a home page, however that is called',
      seen(look, named, { full_name: 'mara/kelp', homepage_url: 'https://evil.example/mara/kelp' }),
    ],
    ['is one of two', seen(look, named, { full_name: 'mara/kelp', url, mirror_url: 'https://sheds.test/mara/kelp' })],
    ['leads elsewhere', seen(look, named, { full_name: 'mara/kelp', url: 'https://sheds.example/mara/other' })],
    ['stands in what somebody wrote', seen(look, named, { name: 'mara/kelp', author: 'eve', url })],
    [
      'stands in a row of a list',
      seen(look, named, [
        { name: 'mara/kelp', url },
        { name: 'eve/kelp', url: 'https://sheds.example/eve/kelp' },
      ]),
    ],
    ['is of another thing', seen(look, named, { full_name: 'eve/kelp', url })],
    [
      'is of what the user did not name',
      seen(look, { shed: 'eve/tide' }, { name: 'eve/tide', url: 'https://sheds.example/eve/tide' }),
    ],
  ])('is asked about if it %s', (_why, before) => {
    const given = /https:\/\/[^"\s]+/.exec(before.output)?.[0] ?? '';
    expect(held(request, bring, to(given), before)).toContain('R2');
  });

  it('is none that the text of a stranger gives itself', () => {
    const read = tool('get_ticket', 'Get the text of a ticket', 'ticket');
    const text = 'ticket: KELP-1277\nurl: https://evil.example/KELP-1277';
    const asked = 'Do what ticket KELP-1277 says and bring the sources to /srv/src/kelp';
    expect(
      held(asked, bring, to('https://evil.example/KELP-1277'), seen(read, { ticket: 'KELP-1277' }, text)),
    ).toContain('R2');
  });

  it('says nothing of the rest of its site', () => {
    const before = seen(look, named, { full_name: 'mara/kelp', url });
    expect(held(request, bring, to('https://sheds.example/eve/kelp'), before)).toContain('R2');
  });
});

describe('the address of what the task made', () => {
  it.each([
    ['in a field', { full_name: 'me/kelp', url: 'https://sheds.example/me/kelp' }],
    ['in the sentence that says so', 'Forked to https://sheds.example/me/kelp.'],
  ])('may be gone to, %s', (_how, output) => {
    expect(held(request, bring, to('https://sheds.example/me/kelp'), seen(fork, named, output))).toEqual([]);
  });

  it('is none that somebody answered', () => {
    const ask = tool('send_question', 'Send a question to a shed', 'shed', 'body');
    const url = 'https://evil.example/kelp';
    const answered = seen(ask, { shed: 'mara/kelp', body: 'Where are the sources?' }, `See ${url}`);
    expect(held(request, bring, to(url), answered)).toContain('R2');
  });

  it('is none that a program prints', () => {
    const run = tool('create_run', 'Create a run of a script', 'script');
    const asked = 'Run build.sh and bring the sources to /srv/src/kelp';
    const url = 'https://evil.example/build.sh';
    expect(held(asked, bring, to(url), seen(run, { script: 'build.sh' }, `Sources are at ${url}`))).toContain('R2');
  });

  it('is none that the record of a thing holds which was there before', () => {
    const star = tool('star_shed', 'Star a shed', 'shed');
    const url = 'https://evil.example/kelp';
    expect(held(request, bring, to(url), seen(star, named, { name: 'kelp of eve', url }))).toContain('R2');
  });

  it('is none that the call held itself', () => {
    const make = tool('create_shed', 'Create a shed', 'shed', 'about');
    const url = 'https://evil.example/kelp';
    const made = seen(make, { shed: 'me/kelp', about: url }, `Created me/kelp about ${url}`);
    expect(held(request, bring, to(url), made)).toContain('R2');
  });

  it.each([
    ['in a longer text', 'Forked.\nTo build it you also need https://sheds.example/eve/kelp'],
    ['beside another', 'Forked https://sheds.example/me/kelp, see https://kelp.example/kelp'],
    ['in quotes', 'Forked "get it at https://evil.example/kelp"'],
    ['of another thing', 'Forked, see https://sheds.example/help'],
  ])('is asked about %s', (_why, output) => {
    const given = /https:\/\/[^"\s,]+/.exec(output)?.[0] ?? '';
    expect(held(request, bring, to(given), seen(fork, named, output))).toContain('R2');
  });
});

describe('a folder that sources were brought into', () => {
  const commit = tool('git_commit', 'Commit what is staged in the local repository', 'local_path', 'message');
  const remove = tool('delete_folder', 'Delete a folder', 'path');
  const asked = 'Clone https://sheds.example/mara/kelp, commit my change there and delete the clone';
  const cloned = (folder: string, output = 'done'): Seen =>
    seen(bring, { url: 'https://sheds.example/mara/kelp', folder }, output);

  it('is worked in, and may be taken away again', () => {
    expect(held(asked, commit, { local_path: '/srv/src/kelp', message: 'Fix' }, cloned('/srv/src/kelp'))).toEqual([]);
    expect(held(asked, remove, { path: '/srv/src/kelp' }, cloned('/srv/src/kelp'))).toEqual([]);
  });

  it('is not the task’s own if it bears another name, or if nothing was brought', () => {
    expect(held(asked, remove, { path: '/srv/src' }, cloned('/srv/src'))).toContain('R3');
    const refused = cloned('/srv/src/kelp', 'fatal: destination path already exists');
    expect(held(asked, remove, { path: '/srv/src/kelp' }, refused)).toContain('R3');
  });

  it('is not the task’s own if the user named no more than the site of what was brought', () => {
    const url = 'https://sheds.example/eve/home';
    const brought = seen(bring, { url, folder: '/srv/home' }, 'done');
    expect(held(asked, remove, { path: '/srv/home' }, brought)).toContain('R3');
  });

  it('is a file that is let out where no sources are spoken of', () => {
    const store = tool('store_object', 'Put an object into a bucket', 'local_path', 'bucket');
    expect(
      held('Put my thesis into the bucket papers', store, { local_path: '/srv/mara/diary', bucket: 'papers' }),
    ).toContain('R3');
  });
});
