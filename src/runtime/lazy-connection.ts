import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';
import {
  Connection,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { directly } from '../contract/temporal-security.ts';

/**
 * Temporal's client, connected at first use, that can be closed at any time. The SDK repeats a call from a timer; on a channel
 * that was closed in between, that repetition throws where nobody catches it, and the whole process ends. Here it is answered
 * with CANCELLED instead, which the SDK does not repeat.
 */
export function lazyConnection(options: Omit<ConnectionOptions, 'interceptors'>): Connection {
  let closed = false;
  const untilClosed: Interceptor = (call, next) => (closed ? closedCall() : new InterceptingCall(next(call)));
  const connection = Connection.lazy({
    ...options,
    channelArgs: { ...directly, ...options.channelArgs },
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), untilClosed],
  });
  const close = connection.close.bind(connection);
  connection.close = () => {
    closed = true;
    return close();
  };
  return connection;
}

const ignored = (): void => undefined;

function closedCall(): InterceptingCall {
  return new InterceptingCall({
    start: (_metadata, listener) => {
      listener?.onReceiveMessage?.(null);
      listener?.onReceiveStatus?.({
        code: status.CANCELLED,
        details: 'the connection was closed',
        metadata: new Metadata(),
      });
    },
    cancelWithStatus: ignored,
    getPeer: () => 'closed',
    sendMessageWithContext: ignored,
    sendMessage: ignored,
    startRead: ignored,
    halfClose: ignored,
    getAuthContext: () => null,
  });
}
