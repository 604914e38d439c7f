import type { LostFrame, Receipt } from './collected-frame.ts';
import type { LifeStep } from './life-steps.ts';
import type { StepMaker } from './step-maker.ts';

/** From the switch to the software of a VPort. */
export function receiveSteps(make: StepMaker, receipt: Receipt, branch: number): LifeStep[] {
  const { descriptor, writes, writeBack, interrupt, returned, lost } = receipt;
  const steps: LifeStep[] = [];
  if (descriptor === null) return steps;
  const { a: queue, b: index } = descriptor;
  const clock = 'core' as const;
  const given = `descriptor ${index} of receive queue ${queue} says where it goes`;
  steps.push(make.step('receiveDescriptor', descriptor.timePs, 'nic.receive', given, { clock, branch }));
  for (const train of writes) {
    steps.push(...make.train('payloadWrite', train, `slot ${receipt.slot} goes to memory`, branch));
    steps.push(...make.translation(train, branch));
  }
  if (writeBack !== null) {
    const count = writeBack.bytes / 16;
    const which = count === 1 ? `descriptor ${index}` : `${count} descriptors, ${index} among them,`;
    steps.push(...make.train('writeBack', writeBack, `writes ${which} back: done`, branch));
    steps.push(...make.translation(writeBack, branch));
  }
  if (interrupt !== null) {
    const { record, message } = interrupt;
    const who = record.a === 0 ? 'the PF' : `VF ${record.a - 1}`;
    const cause = `cause ${record.b} of ${who}, which nothing masks any more`;
    steps.push(make.step('interrupt', record.timePs, 'nic.interrupts', cause, { clock, branch }));
    steps.push(...make.train('interrupt', message, `MSI-X message ${message.word}`, branch));
  }
  if (lost !== null) {
    const unit = lost.why === 'linkDown' ? 'pcie' : lost.why === 'refused' ? 'iommu' : 'nic.receive';
    const what = lossText(receipt, lost);
    steps.push(make.step('lost', lost.timePs, unit, what, { branch }));
  }
  if (returned !== null) {
    const had = lost === null ? 'has had it' : 'has had what was in the buffer';
    const what = `RDT of receive queue ${queue} = ${returned.record.c & 0xffff}: software ${had}, and gives the buffer back`;
    const { train } = returned;
    if (train !== null)
      steps.push(...make.train('bufferReturned', train, 'tail of the receive ring', branch));
    steps.push(make.step('bufferReturned', returned.record.timePs, 'nic.port', what, { clock, branch }));
  }
  return steps;
}

/** What a loss means to the software of the receiver. */
function lossText({ descriptor }: Receipt, { why, isDescriptor }: LostFrame): string {
  const which = `descriptor ${descriptor?.b} of receive queue ${descriptor?.a}`;
  if (why === 'ringStopped') return `lost: the ring is stopped before ${which} is written back`;
  if (why === 'linkDown') return `lost: the link goes down before software can have it by ${which}`;
  return isDescriptor
    ? `lost: ${which} stays as it was, software does not learn of the frame`
    : `lost: ${which} says that it is there, and software finds in the buffer what was there before`;
}
