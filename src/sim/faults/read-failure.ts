import { fetchQueueOf } from '../../dma/index.ts';
import type { Nic } from '../../nic/index.ts';

/** What the DMA engine has done about a read that failed: `client` and `cookie` as the read was signed with. */
export function tellFailure({ data }: Nic, client: number, cookie: number): string {
  const isTransmit = client === data.transmit.client;
  const queue = fetchQueueOf(cookie);
  if (queue < 0) return 'a frame that the card was reading is discarded';
  const { rings } = isTransmit ? data.transmit : data.receive;
  const ring = `${isTransmit ? 'transmit' : 'receive'} ring ${queue}`;
  const outcome =
    rings.ring(queue).enabled === 0 ? 'is disabled' : 'goes on: the fetch was from before its reset';
  return `its descriptors of ${ring} could not be fetched, and the ring ${outcome}`;
}
