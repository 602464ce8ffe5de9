import { queryOptions } from "@tanstack/react-query";
import { api, type Import, type Schemas, sent } from "../client";

const LOOK_AGAIN = 1000;
const RUNNING = new Set(["pending", "running"]);

export const importsQuery = queryOptions({
  queryKey: ["imports"],
  queryFn: () => sent(api.GET("/api/accounts/v1/imports", { params: { query: { limit: 20 } } })),
});

export const isRunning = (each: Import): boolean => RUNNING.has(each.status);

export const importQuery = (importId: string) =>
  queryOptions({
    queryKey: ["imports", importId],
    queryFn: () => sent(api.GET("/api/accounts/v1/imports/{import_id}", { params: { path: { import_id: importId } } })),
    refetchInterval: ({ state }) => (!state.data || isRunning(state.data) ? LOOK_AGAIN : false),
  });

export const importRowsQuery = (importId: string, processed: number) =>
  queryOptions({
    queryKey: ["imports", importId, "rows", processed],
    queryFn: () =>
      sent(
        api.GET("/api/accounts/v1/imports/{import_id}/rows", { params: { path: { import_id: importId } } as never }),
      ),
    placeholderData: (before) => before,
  });

export interface ImportForm {
  file: File;
  duplicates: string;
  country: string;
  dryRun: boolean;
}

export function startImport(form: ImportForm, key: string): Promise<Import> {
  const body = new FormData();
  body.set("file", form.file);
  body.set("object", "accounts");
  body.set("duplicates", form.duplicates);
  body.set("dry_run", String(form.dryRun));
  if (form.country) body.set("country", form.country);
  type Body = Schemas["accounts.Body_start_api_accounts_v1_imports_post"];
  return sent(
    api.POST("/api/accounts/v1/imports", {
      body: body as unknown as Body,
      bodySerializer: (given) => given as unknown as FormData,
      headers: { "Idempotency-Key": key },
    }),
  );
}
