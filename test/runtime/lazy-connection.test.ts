import { setTimeout as pause } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';

const nowhere = '127.0.0.1:1';

describe('a connection to a Temporal that is away', () => {
  it('can be closed between two tries of a call: the call ends, and so does nothing else', async () => {
    const connection = lazyConnection({ address: nowhere });
    const asked = connection.workflowService.getSystemInfo({}).catch((error: unknown) => error);
    await pause(100);
    await connection.close();
    // Well past the pause between the first try and the second. What a timer throws fails this file by itself.
    expect(await Promise.race([asked, pause(5_000, 'still waits')])).toMatchObject({ code: status.CANCELLED });
  });

  it('refuses a call after it was closed, as an answer and not as an exception of a timer', async () => {
    const connection = lazyConnection({ address: nowhere });
    await connection.close();
    await expect(connection.workflowService.getSystemInfo({})).rejects.toMatchObject({ code: status.CANCELLED });
  });
});
