import { describe, expect, it } from 'vitest';
import { planted, readFiles, type SourceFile } from './source-tree.ts';

/** Where nothing was changed there is nothing before and after. */
const changedNothing = /'[a-z.-]*(?:refused|denied|flood)'/;

/** What a function of the store writes into the audit, other than by `append_audit`, which its callers are held to. */
function withoutChange(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/INSERT INTO estop\.audit \(([^)]*)\)([\s\S]*?);\n/g)].flatMap(([, columns = '', rest = '']) => {
      const says = /\b(?:before|after)\b/.test(columns) || /p_kind/.test(rest) || changedNothing.test(rest);
      return says ? [] : [`${path}: ${rest.trim().slice(0, 60)}`];
    }),
  );
}

describe('entries of the audit', () => {
  it('say what was before or what is since, wherever the store writes one, unless nothing was changed', () => {
    const files = readFiles(['src/store/migrations'], /\.sql$/);
    expect(files.length).toBeGreaterThan(20);
    expect(withoutChange(files)).toEqual([]);
  });

  it('one that says neither is found, and a refusal is let be', () => {
    const of = (text: string) => withoutChange([planted('src/store/migrations/x.sql', text)]);
    expect(of("INSERT INTO estop.audit (kind, actor, subject) VALUES ('task.held', p_actor, p_id);\n")).toHaveLength(1);
    expect(of("INSERT INTO estop.audit (kind, actor, after) VALUES ('task.held', p_actor, '{}');\n")).toEqual([]);
    expect(of("INSERT INTO estop.audit (kind, actor) VALUES ('sign-in.refused', p_actor);\n")).toEqual([]);
  });
});
