/** Time, scheduler, clock domains, rate limits, counters, histograms and probes: what every part of a machine stands on. */
export { ClockDomain } from './clock-domain.ts';
export type { Component } from './component.ts';
export type { EventHandler } from './delay-line.ts';
export { EgressScheduler, type EgressSchedulerOptions, NO_QUEUE } from './egress-scheduler.ts';
export { Histogram } from './histogram.ts';
export { Probe, ProbeKind, type ProbeSink } from './probe.ts';
export { Scheduler } from './scheduler.ts';
export { Serializer } from './serializer.ts';
export { END_OF_TIME, MICROSECOND, MILLISECOND, NANOSECOND, SECOND } from './time.ts';
export { Timer } from './timer.ts';
export { type ByteTime, byteTimeOf, TokenBucket } from './token-bucket.ts';
export { RoundEntry, WeightedRound } from './weighted-round.ts';
