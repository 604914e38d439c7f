import { RandomStreams } from '../../../src/base/index.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { INFINITE, type LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const KINDS = [MEMORY_WRITE, MEMORY_READ, COMPLETION_DATA];
/** The classes of flow control, as the fields of what an exchange returns. */
export const CLASSES = [FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION] as const;

/** Credits that run out. */
export const FEW_CREDITS = {
  ...INFINITE,
  postedHeaders: 32,
  postedData: 256,
  nonPostedHeaders: 32,
  nonPostedData: 32,
  completionHeaders: 64,
  completionData: 512,
};

/**
 * Random trains of all classes in both directions of a link, until so many TLPs have arrived.
 *
 * @throws Error for a train that is lost, doubled or out of order in its class.
 */
export function exchange(rig: LinkRig, tlps: number, seed: number) {
  const random = new RandomStreams(seed).stream('trains');
  const { upstream, downstream } = rig.link;
  const ends = [upstream, downstream].map((direction, i) => ({
    direction,
    arrivals: i === 0 ? rig.arrivedUp : rig.arrivedDown,
    /** Numbers of what has been sent and not arrived, by class, in order. */
    sent: CLASSES.map(() => [] as number[]),
    taken: [0, 0, 0],
  }));
  let arrived = 0;
  let trains = 0;
  const take = () => {
    for (const { arrivals, sent, taken } of ends) {
      for (const { id, flowClass, headers } of arrivals) {
        if (sent[flowClass][taken[flowClass]++] !== id)
          throw new Error(`seed ${seed}: train ${id} of class ${flowClass} is lost, doubled or out of order`);
        arrived += headers;
      }
      arrivals.length = 0;
      for (const each of CLASSES) {
        if (taken[each] > 1000) sent[each].splice(0, taken[each]);
        if (taken[each] > 1000) taken[each] = 0;
      }
    }
  };
  while (arrived < tlps) {
    for (const { direction, sent } of ends) {
      for (let tries = 0; tries < 12; tries++) {
        const flowClass = CLASSES[random.integer(3)];
        if (direction.room(flowClass) === 0) continue;
        const isRead = flowClass === FlowClass.NON_POSTED;
        const count = isRead ? 1 : 1 + random.integer(4);
        const bytes = isRead ? 512 : 4 * count * (1 + random.integer(64));
        sent[flowClass].push(rig.send(direction, KINDS[flowClass], bytes, count));
        trains++;
      }
    }
    rig.scheduler.runUntil(rig.scheduler.now + 1_000_000);
    take();
  }
  // What is on its way, with all credits: periodic UpdateFCs among it.
  rig.scheduler.runUntil(rig.scheduler.now + 400_000_000);
  take();
  return { ends, arrived, trains };
}
