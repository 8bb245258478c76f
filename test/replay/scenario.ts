import type { temporal } from '@temporalio/proto';

export type History = temporal.api.history.v1.IHistory;

export interface RecordedHistory {
  /** Becomes the file's name. */
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
}

/** A file of test/replay/<version>: `history` is Temporal's own JSON. */
export interface Fixture {
  readonly workflowId: string;
  readonly history: unknown;
}

/** Runs workflows on real servers and hands over what was recorded. `folder` is empty, and removed afterwards. */
export type Scenario = (ground: {
  readonly folder: string;
  readonly databaseUrl: string;
}) => Promise<readonly RecordedHistory[]>;
