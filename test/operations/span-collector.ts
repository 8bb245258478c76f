import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

export interface Span {
  /** Which process of the installation made it. */
  readonly from: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
}

export interface SpanCollector {
  /** What a process of that name needs in its environment. */
  env(process: string): Readonly<Record<string, string>>;
  spans(traceId: string): readonly Span[];
  /** Everything that was sent, as it was. */
  received(): string;
  stop(): Promise<void>;
}

/** OTLP over HTTP, as JSON, as far as it is looked at here. */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
            }),
          ),
        }),
      ),
    }),
  ),
});

const preload = pathToFileURL(join(import.meta.dirname, 'programs', 'collect-spans.ts')).href;

/** Takes what the SDK of OpenTelemetry exports; each process has an address of its own here. */
export async function startSpanCollector(): Promise<SpanCollector> {
  const spans: Span[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => void pieces.push(piece));
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      const from = request.url?.split('/')[1] ?? '';
      bodies.push(text);
      for (const { scopeSpans } of Export.parse(JSON.parse(text)).resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans.map((span) => ({ from, ...span })));
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  return {
    env: (process) => ({
      NODE_OPTIONS: `--import=${preload}`,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/${process}/v1/traces`,
    }),
    spans: (traceId) => spans.filter((span) => span.traceId === traceId),
    received: () => bodies.join('\n'),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** From a span of a process up to one that was begun by `top`, by their names; undefined while something of it is missing. */
export function wayTo(spans: readonly Span[], from: string, name: string, top: string): readonly string[] | undefined {
  const way: string[] = [];
  let at = spans.find((span) => span.from === from && span.name === name);
  while (at !== undefined) {
    way.unshift(`${at.from}: ${at.name}`);
    const { parentSpanId } = at;
    if (parentSpanId === top) return way;
    at = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return undefined;
}
