import { defineSearchAttributeKey, SearchAttributeType, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { AgentTaskInput } from '../../contract/agent-task.ts';
import { searchAttributes } from '../../contract/names.ts';
import { detailsOf } from './details.ts';
import { openModel, stateOf, type TaskEvent, type TaskModel, transition } from './machine.ts';

export const attributeKeys = {
  agent: defineSearchAttributeKey(searchAttributes.agent, SearchAttributeType.KEYWORD),
  task: defineSearchAttributeKey(searchAttributes.task, SearchAttributeType.KEYWORD),
  rootTask: defineSearchAttributeKey(searchAttributes.rootTask, SearchAttributeType.KEYWORD),
  epoch: defineSearchAttributeKey(searchAttributes.epoch, SearchAttributeType.INT),
  state: defineSearchAttributeKey(searchAttributes.state, SearchAttributeType.KEYWORD),
  stop: defineSearchAttributeKey(searchAttributes.stop, SearchAttributeType.KEYWORD),
};

export interface Progress {
  readonly step: number;
  readonly tokensUsed: number;
}

/** The one mutable cell of a governed task, and its shadow in Temporal's UI and visibility. */
export interface TaskRecord {
  model(): TaskModel;
  apply(event: TaskEvent): void;
  /** In the list it says that it is stopping: only where that lasts. A kill that is latched at once would be two events for one end. */
  listAsStopping(): void;
}

export function openRecord(input: AgentTaskInput, progress: () => Progress): TaskRecord {
  let model = openModel(input);
  const list = (): void => {
    const wanted: readonly SearchAttributeUpdatePair[] = [
      { key: attributeKeys.agent, value: input.agentId },
      { key: attributeKeys.task, value: input.taskId },
      { key: attributeKeys.rootTask, value: input.rootTaskId },
      { key: attributeKeys.epoch, value: input.epoch },
      { key: attributeKeys.state, value: stateOf(model) },
      ...(model.stopId === undefined ? [] : [{ key: attributeKeys.stop, value: model.stopId }]),
    ];
    // Each upsert is an event in the history: only what differs.
    const shown = workflowInfo().typedSearchAttributes;
    const changed = wanted.filter(({ key, value }) => shown.get(key) !== value);
    if (changed.length > 0) upsertSearchAttributes(changed);
  };
  const show = (): void => {
    setCurrentDetails(detailsOf(input, model, progress()));
    if (model.phase !== 'stopping') list();
  };
  show();
  return {
    model: () => model,
    apply: (event) => {
      const next = transition(model, event, new Date().toISOString());
      if (next === model) return;
      model = next;
      show();
    },
    listAsStopping: list,
  };
}
