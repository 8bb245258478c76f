import { formatId, type IdKind, parseId } from '../../core/ids.ts';

/** Temporal seeds Math.random per run and replays it, so the same run mints the same ids. Not for secrets. */
export function mintId(kind: IdKind, environment: string): string {
  const random = new Uint8Array(16);
  for (let index = 0; index < random.length; index += 1) random[index] = Math.floor(Math.random() * 256);
  return formatId(kind, environment, random);
}

/** A function of the task alone: a retry, a replay, the next run and a watchdog all name the same stop. rule: caller-mints-stop-id */
export function stopIdOfTask(taskId: string): string | undefined {
  const parsed = parseId(taskId);
  return parsed?.kind === 'task' ? `stop_${parsed.environment}_${parsed.random}` : undefined;
}
