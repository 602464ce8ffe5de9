import { Button, Checkbox, FileInput, NativeSelect } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Import, newIdempotencyKey } from "@/api/client";
import { asApiError } from "@/api/errors";
import { importsQuery, startImport } from "@/api/queries/imports";
import { useFormats } from "@/i18n/hooks";
import { Badge } from "@/ui/Badge";
import { Empty, Shown, useErrorText } from "@/ui/States";
import { Progress } from "./Progress";

const TAKEN = ".csv,text/csv";

export default function Imports() {
  const { t } = useTranslation();
  const { id } = useSearch({ from: "/app/import" });
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t("imports.title")}</h1>
      </div>
      <div className="two">
        <div className="stack">
          <Upload />
          {id && <Progress key={id} importId={id} />}
        </div>
        <Earlier />
      </div>
    </div>
  );
}

function Upload() {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const [duplicates, setDuplicates] = useState("rule");
  const [dryRun, setDryRun] = useState(false);
  const starting = useStarting();
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (file) void starting.start(file, duplicates, dryRun);
  };
  const policies = ["rule", "alert"].map((value) => ({ value, label: t(`imports.duplicates_${value}`) }));
  return (
    <form className="card form" onSubmit={submit}>
      <FileInput label={t("imports.file")} description={t("imports.file_hint")} placeholder={t("imports.choose")} accept={TAKEN} value={file} onChange={setFile} error={starting.error} clearable clearButtonProps={{ "aria-label": t("list.clear") }} />
      <NativeSelect label={t("imports.duplicates")} data={policies} value={duplicates} onChange={(event) => setDuplicates(event.currentTarget.value)} />
      <Checkbox label={t("imports.dry_run")} checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} />
      <Button type="submit" disabled={!file} loading={starting.isBusy} style={{ justifySelf: "start" }}>
        {t(dryRun ? "imports.try" : "imports.start")}
      </Button>
    </form>
  );
}

function useStarting() {
  const client = useQueryClient();
  const navigate = useNavigate();
  const text = useErrorText();
  const key = useRef(newIdempotencyKey());
  const [state, setState] = useState<{ isBusy: boolean; error?: string }>({ isBusy: false });
  const start = async (file: File, duplicates: string, dryRun: boolean) => {
    setState({ isBusy: true });
    try {
      const started = await startImport({ file, duplicates, dryRun, country: "" }, key.current);
      setState({ isBusy: false });
      void client.invalidateQueries({ queryKey: importsQuery.queryKey });
      await navigate({ to: "/import", search: { id: started.id } });
    } catch (error) {
      const known = asApiError(error);
      setState({ isBusy: false, error: known.problem.errors?.[0]?.detail ?? text(known) });
    }
    key.current = newIdempotencyKey();
  };
  return { ...state, start };
}

function Earlier() {
  const { t } = useTranslation();
  const asked = useQuery(importsQuery);
  return (
    <section className="card" aria-label={t("imports.earlier")}>
      <div className="card-head">
        <h2>{t("imports.earlier")}</h2>
      </div>
      <Shown of={asked}>
        {({ items }) => (items.length ? items.map((each) => <Line key={each.id} of={each} />) : <Empty title={t("imports.none")} />)}
      </Shown>
    </section>
  );
}

function Line({ of }: { of: Import }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const navigate = useNavigate();
  return (
    <button type="button" className="plain line-item" style={{ display: "flex", width: "100%" }} onClick={() => void navigate({ to: "/import", search: { id: of.id } })}>
      <span className="grow">
        <span className="clip" style={{ display: "block" }} dir="auto">
          {of.filename}
        </span>
        <span className="quiet">{formats.ago(of.created_at)}</span>
      </span>
      <Badge value={of.status} label={t(`imports.status.${of.status}`)} />
    </button>
  );
}
