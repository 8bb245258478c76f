import { request as sendHttp } from 'node:http';
import { versionHeader } from '../contract/version-header.ts';
import type { Send } from '../sdk/transport.ts';

/** Hears what a server says of itself with every answer: its version, and its time. */
type Hear = (answer: {
  readonly url: string;
  readonly method: string;
  readonly version: string | undefined;
  readonly date: string | undefined;
}) => void;

/**
 * A request on bare node:http. The global fetch costs a third of the time between the key press and the latch, and a stop needs
 * none of what it adds. Follows no redirect: what is not 2xx is not ok.
 */
export const createHttpSend =
  (hear: Hear = () => undefined): Send =>
  async (url, { method, headers, body, signal }) => {
    const isSecure = url.startsWith('https:');
    const open = isSecure ? (await import('node:https')).request : sendHttp;
    return new Promise((resolve, reject) => {
      const request = open(
        url,
        {
          method,
          headers: {
            'estop-client': 'cli',
            ...headers,
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          },
          signal,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          // A connection that breaks in the middle of the answer is no answer.
          response.once('close', () => {
            if (!response.complete) return reject(new Error('the answer broke off'));
            const status = response.statusCode ?? 0;
            const version = response.headers[versionHeader];
            hear({
              url,
              method,
              version: typeof version === 'string' ? version : undefined,
              date: response.headers.date,
            });
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ ok: status >= 200 && status < 300, status, text: async () => text });
          });
        },
      );
      request.once('error', reject);
      request.end(body);
    });
  };

export const httpSend: Send = createHttpSend();
