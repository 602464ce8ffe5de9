import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { sessionQuery } from "@/api/queries/session";
import { type Formats, formatsOf } from "./format";

export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const { data } = useQuery({ ...sessionQuery, enabled: false });
  const zone = data?.user.time_zone ?? undefined;
  return useMemo(() => formatsOf(i18n.language, zone), [i18n.language, zone]);
}
