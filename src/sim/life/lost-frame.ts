import type { CollectedFrame, LostFrame, Receipt } from './collected-frame.ts';

/**
 * What has kept a frame that has a descriptor from its receiver's software; null where nothing has, as far as the log goes: a
 * write of it that was refused, though its descriptor is written back; one that a link took with it that went down, or never
 * took because it was down; a ring that was stopped before the descriptor was written back.
 */
export function lossOf(
  { descriptor, writes, writeBack, returned, stoppedPs }: Receipt,
  { fates, downsPs }: CollectedFrame,
): LostFrame | null {
  if (descriptor === null) return null;
  const met = [...writes, ...(writeBack === null ? [] : [writeBack])].flatMap(
    (train) => fates.of(train) ?? [],
  );
  const refused = met.findIndex(({ what }) => what === 'refused');
  const isDescriptor = writeBack !== null && met[refused] === fates.of(writeBack);
  if (refused >= 0) return { why: 'refused', timePs: met[refused].timePs, isDescriptor };
  if (met.length > 0) return { why: 'linkDown', timePs: met[0].timePs, isDescriptor: false };
  if (writeBack !== null || returned !== null) return null;
  const downPs = downsPs.find((timePs) => timePs >= descriptor.timePs);
  // With the link its rings stop, at the same instant.
  if (downPs !== undefined && (stoppedPs === null || stoppedPs === downPs))
    return { why: 'linkDown', timePs: downPs, isDescriptor: false };
  return stoppedPs === null ? null : { why: 'ringStopped', timePs: stoppedPs, isDescriptor: false };
}
