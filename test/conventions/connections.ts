import type { SourceFile } from './source-tree.ts';

const opened = /\bnew (?:pg\.)?(?:Client|Pool)\(\{?/g;

/** Where one of our programs opens a connection to PostgreSQL and leaves its session to the environment: see `sessionOptions`. */
export function leftToTheEnvironment(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ text }) => /(?:from|import\()\s*'pg'/.test(text))
    .flatMap(({ path, text }) =>
      [...text.matchAll(opened)]
        .filter(({ index }) => !/\boptions: sessionOptions\b/.test(text.slice(index, text.indexOf(');', index))))
        .map(({ index }) => `${path}:${text.slice(0, index).split('\n').length}`),
    );
}

/** Where one is opened to Temporal by gRPC that a proxy of the environment may take over: see `directly`. */
export function openToProxies(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<!Native)Connection\.(?:lazy|connect)\(/g)]
      .filter(({ index }) => !/\bdirectly\b/.test(text.slice(index, text.indexOf(';', index))))
      .map(({ index }) => `${path}:${text.slice(0, index).split('\n').length}`),
  );
}
