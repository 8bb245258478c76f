import { describe, expect, it } from 'vitest';
import { leftToTheEnvironment, openToProxies } from './connections.ts';
import { isCode, planted, readFiles } from './source-tree.ts';

describe('connections to PostgreSQL', () => {
  it('each says what its session is, so that PGOPTIONS of whoever started a process says nothing', () => {
    const files = readFiles(['src', 'examples', 'deploy'], isCode);
    expect(files.filter(({ text }) => text.includes('options: sessionOptions')).length).toBeGreaterThan(7);
    expect(leftToTheEnvironment(files)).toEqual([]);
  });

  it('one that does not is caught, whichever way it is opened', () => {
    const sent = (text: string) => leftToTheEnvironment([planted('src/a.ts', `import { Client } from 'pg';\n${text}`)]);
    expect(sent('new Client({ connectionString });')).toEqual(['src/a.ts:2']);
    expect(sent('new Pool(settings);')).toEqual(['src/a.ts:2']);
    expect(sent("\nnew pg.Client({ connectionString, options: '' });")).toEqual(['src/a.ts:3']);
    expect(sent('new Client({ connectionString, options: sessionOptions });')).toEqual([]);
    expect(
      leftToTheEnvironment([
        planted('src/b.ts', "import { Client } from '@temporalio/client';\nnew Client({ connection });"),
      ]),
    ).toEqual([]);
  });
});

describe('connections to Temporal', () => {
  it('none goes through a proxy that stands in the environment', () => {
    const files = readFiles(['src', 'examples', 'deploy'], isCode);
    expect(files.filter(({ text }) => text.includes('directly')).length).toBeGreaterThan(8);
    expect(openToProxies(files)).toEqual([]);
  });

  it('one that would is caught', () => {
    expect(openToProxies([planted('src/a.ts', 'await Connection.connect({ address });')])).toEqual(['src/a.ts:1']);
    expect(openToProxies([planted('src/a.ts', 'Connection.lazy({ address, channelArgs: directly });')])).toEqual([]);
    expect(openToProxies([planted('src/a.ts', 'await NativeConnection.connect({ address });')])).toEqual([]);
  });
});
