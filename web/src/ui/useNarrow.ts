import { useMediaQuery } from "@mantine/hooks";

/** A phone; right from the first render, so that nothing flashes. */
export function useNarrow(): boolean {
  return useMediaQuery("(max-width: 760px)", undefined, { getInitialValueInEffect: false }) ?? false;
}
