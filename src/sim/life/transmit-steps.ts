import type { CollectedFrame } from './collected-frame.ts';
import type { FoundFrame } from './find-frame.ts';
import type { LifeStep } from './life-steps.ts';
import type { TailWrite } from './ring-tails.ts';
import type { StepMaker } from './step-maker.ts';

/** From the doorbell of its sender until the frame is in the card. */
export function transmitSteps(make: StepMaker, frame: FoundFrame, collected: CollectedFrame): LifeStep[] {
  const { queue, index } = frame.descriptor as NonNullable<FoundFrame['descriptor']>;
  const { doorbell, fetch, reads, status } = collected;
  const steps: LifeStep[] = [];
  if (doorbell !== null) steps.push(...doorbellSteps(make, doorbell, queue, index));
  if (fetch !== null) {
    const count = fetch.request.bytes / 16;
    const which = count === 1 ? `descriptor ${index}` : `${count} descriptors, ${index} among them,`;
    steps.push(
      ...make.train('descriptorFetch', fetch.request, `fetches ${which} of transmit queue ${queue}`),
    );
    steps.push(...make.translation(fetch.request));
    if (fetch.completion !== null)
      steps.push(...make.train('descriptorCompletion', fetch.completion, 'brings them to the card'));
  }
  for (const { request, completion } of reads) {
    steps.push(...make.train('payloadRead', request, `asks for the frame, into slot ${frame.slot}`));
    steps.push(...make.translation(request));
    if (completion !== null)
      steps.push(...make.train('payloadCompletion', completion, 'brings it into the transmit packet buffer'));
  }
  if (status !== null) {
    steps.push(...make.train('transmitStatus', status, `tells software that descriptor ${index} is done`));
    steps.push(...make.translation(status));
  }
  return steps;
}

function doorbellSteps(make: StepMaker, write: TailWrite, queue: number, index: number): LifeStep[] {
  const { record, train } = write;
  const tail = record.c & 0xffff;
  const what = `TDT of transmit queue ${queue} = ${tail}: descriptor ${index} is handed over`;
  const arrived = make.step('doorbell', record.timePs, 'nic.port', what, { clock: 'core' });
  return train === null ? [arrived] : [...make.train('doorbell', train, 'doorbell'), arrived];
}

/** From the other end of the cable into the card. */
export function wireInSteps(make: StepMaker, frame: FoundFrame, { taken }: CollectedFrame): LifeStep[] {
  if (taken === null) return [];
  const { b: bytes, c: sincePs, timePs } = taken;
  const onWire = bytes + PREAMBLE_BYTES;
  const firstPs = timePs - sincePs;
  const lastPs = firstPs + onWire * make.clocks.periodPs('byte');
  const what = `${bytes} bytes behind the preamble leave the other end, for slot ${frame.slot}`;
  const parts = {
    endPs: lastPs,
    arrivesPs: timePs,
    clock: 'byte',
    link: 'wire.in',
    linkBytes: onWire,
  } as const;
  return [make.step('wireReceived', firstPs, 'station', what, parts)];
}

/** Preamble and start of frame. */
export const PREAMBLE_BYTES = 8;

/** A span in ns. */
export function ns(ps: number): string {
  return `${ps / 1000} ns`;
}
