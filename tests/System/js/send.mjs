// Sends a trace with the official SDK, and prints what it sent as JSON: what the SDK itself holds, not what we make of it.
// Usage: node send.mjs grpc http://127.0.0.1:4317, or http/protobuf or http/json and http://127.0.0.1:4318
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';

const [protocol, url] = process.argv.slice(2);
const Exporter = { grpc: GrpcExporter, 'http/protobuf': ProtobufExporter, 'http/json': JsonExporter }[protocol];

const sent = new InMemorySpanExporter();
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'js-shop', 'service.version': '2.0.0' }),
  spanProcessors: [
    new SimpleSpanProcessor(sent),
    new BatchSpanProcessor(new Exporter({ url: protocol === 'grpc' ? url : new URL('/v1/traces', url).href, compression: 'gzip' })),
  ],
});
const tracer = provider.getTracer('js-test', '3.1.4');

const root = tracer.startSpan('checkout', { kind: SpanKind.SERVER, attributes: { 'http.request.method': 'GET', items: 3, ratio: 0.25, vip: true } });
const inRoot = trace.setSpan(context.active(), root);
const linked = tracer.startSpan('queued', { kind: SpanKind.PRODUCER, links: [{ context: root.spanContext(), attributes: { why: 'follow-up' } }] }, inRoot);
linked.end();
const child = tracer.startSpan('charge card', { kind: SpanKind.CLIENT, attributes: { tags: ['a', 'b'], sizes: [1, 2] } }, inRoot);
child.addEvent('retry', { attempt: 2 });
child.recordException(new Error('card declined'));
child.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' });
child.end();
root.end();

await provider.forceFlush();
const nanos = ([seconds, rest]) => (BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toString();
console.log(JSON.stringify(sent.getFinishedSpans().map((span) => ({
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parentSpanId: span.parentSpanContext?.spanId ?? '',
  name: span.name,
  kind: span.kind + 1, // the API counts from INTERNAL = 0, OTLP from UNSPECIFIED = 0
  start: nanos(span.startTime),
  end: nanos(span.endTime),
  attributes: span.attributes,
  events: span.events.map((event) => ({ name: event.name, time: nanos(event.time), attributes: event.attributes })),
  links: span.links.map((link) => ({ spanId: link.context.spanId, attributes: link.attributes })),
  status: { code: span.status.code, message: span.status.message ?? '' },
  resource: span.resource.attributes,
  scope: { name: span.instrumentationScope.name, version: span.instrumentationScope.version },
}))));
await provider.shutdown();
