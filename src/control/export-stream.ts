import { EstopError } from '../core/errors.ts';
import type { Page } from '../store/page.ts';
import type { RequestInfo } from './endpoint.ts';

/** A role that was taken away has to bite within 5 s, in what is still being written as well. */
const permissionEveryMs = 1_000;
/** So long nothing was taken of what waits for it: it does not read. */
const deafAfterMs = 60_000;
/** Within that a connection that was ended has said so. */
const closingMs = 250;

type Reader = Pick<RequestInfo, 'signal' | 'isStillPermitted' | 'cutOff'>;

/**
 * One page after another as they are read, so that neither the file nor what is kept of it here has a bound. It ends as a file that is
 * whole, or as a connection that broke: never as a shorter file that looks whole.
 */
export async function exportStream<Item>(
  read: (cursor: string | undefined) => Promise<Page<Item>>,
  write: (items: readonly Item[], isFirst: boolean) => string,
  reader: Reader,
  times: { readonly deafAfterMs?: number } = {},
): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  // Before the answer begins: what fails here can still be said.
  let page: Page<Item> | undefined = await read(undefined);
  let isFirst = true;
  let pulled = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const release = (): void => {
    isOver = true;
    clearInterval(timer);
  };
  // The connection first: an error in what is sent would be written to its end, as if it were more of the file.
  const breakOff = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (isOver) return;
    clearInterval(timer);
    reader.cutOff();
    setTimeout(() => {
      if (!isOver) controller.error(new EstopError('unreachable', { detail: 'broken off' }));
      release();
    }, closingMs).unref();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        timer = setInterval(() => {
          const isDeaf = performance.now() - pulled > (times.deafAfterMs ?? deafAfterMs);
          if (isDeaf || reader.signal.aborted || !reader.isStillPermitted()) breakOff(controller);
        }, permissionEveryMs);
      },
      pull: async (controller) => {
        pulled = performance.now();
        if (page === undefined) return;
        controller.enqueue(encoder.encode(write(page.items, isFirst)));
        isFirst = false;
        const { next } = page;
        page = undefined;
        try {
          if (next !== undefined) page = await read(next);
        } catch {
          return breakOff(controller);
        }
        if (page !== undefined || isOver) return;
        release();
        controller.close();
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}
