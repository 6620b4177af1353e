//! The end of a live command: what is still to be drawn, and what decides the exit code.

use lab_output::Finding;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Table;
use lab_render::live::Status;
use lab_render::live::picture;
use lab_types::Failure;

use super::Closed;
use super::Live;
use super::State;
use super::Way;
use crate::terminal;
use crate::view;

/// What a live command leaves behind.
pub(crate) struct Rest {
    /// What is drawn now, in the order and in the columns that were asked for.
    pub(crate) report: Report,
    /// All findings, drawn already or not.
    pub(crate) findings: Vec<Finding>,
    /// All subjects without an answer.
    pub(crate) partials: Vec<Partial>,
    /// Why nothing more was taken.
    pub(crate) closed: Option<Closed>,
    /// A line about rows that are not drawn.
    pub(crate) remark: Option<String>,
}

impl Live {
    /// Gives the terminal back, writes what lines wait, and hands over the rest.
    pub(crate) fn finish(&self) -> Result<Rest, Failure> {
        let mut state = self.lock();
        if let Way::Screen { screen, .. } = &mut state.way {
            terminal::leave(screen.leave());
        }
        self.console.release();
        let planned = state.kept.plan(&self.view);
        if let (Err(failure), None) = (planned, &state.closed) {
            return Err(failure);
        }
        let mut remark = None;
        let tables = match state.way {
            _ if matches!(state.closed, Some(Closed::Unread | Closed::Failed(_))) => Vec::new(),
            Way::Screen { .. } => self.last_picture(&mut state, &mut remark)?,
            Way::Lines { .. } => self.last_lines(&mut state)?,
            Way::End => self.tables(&mut state)?.into_iter().map(|(_, table)| table).collect(),
        };
        let told = matches!(&state.way, Way::Lines { stream, .. } if stream.tells_changes());
        let kept = &mut state.kept;
        let findings = std::mem::take(&mut kept.findings);
        let partials = std::mem::take(&mut kept.partials);
        let drawn = if told { Vec::new() } else { findings.clone() };
        let report = Report { tables, findings: drawn, partials: partials.clone() };
        Ok(Rest { report, findings, partials, closed: state.closed.clone(), remark })
    }

    fn tables(&self, state: &mut State) -> Result<Vec<(usize, Table)>, Failure> {
        state.kept.finish(&self.view, self.now(), view::shown(&self.settings))
    }

    /// The tables of the last picture: as many rows as the terminal had room for.
    fn last_picture(
        &self,
        state: &mut State,
        remark: &mut Option<String>,
    ) -> Result<Vec<Table>, Failure> {
        let Some(size) = terminal::size() else {
            return Ok(self.tables(state)?.into_iter().map(|(_, table)| table).collect());
        };
        let options = view::options(&self.settings, self.now(), state.hosts.clone());
        let parts = self.parts(state, options.now, size.rows)?;
        let status = Status::default();
        let last = picture(&state.kept.scene(&parts, &status), &options, size);
        if last.hidden > 0 {
            let rows = lab_render::count(last.hidden, "more row");
            *remark = Some(format!("{rows} than the terminal has room for: `| less` shows all"));
        }
        let tables = parts.into_iter().zip(last.rows).map(|(part, n_rows)| {
            let mut table = part.table;
            if part.latest {
                table.keep_latest(n_rows);
                table
            } else {
                lab_output::limit(table, n_rows).0
            }
        });
        Ok(tables.collect())
    }

    /// Writes what waits. Where rows were written as lines, those that were kept are too.
    fn last_lines(&self, state: &mut State) -> Result<Vec<Table>, Failure> {
        let tables = self.tables(state)?;
        let now = self.started.elapsed();
        let findings = !state.kept.findings.is_empty();
        let Way::Lines { stream, bytes, .. } = &mut state.way else { return Ok(Vec::new()) };
        let any = tables.iter().any(|(place, _)| stream.has_begun(*place));
        let mut rest = Vec::new();
        let mut written = Ok(());
        for (place, mut table) in tables {
            if any || stream.tells_changes() {
                written = written.and_then(|()| stream.rows(place, &mut table, now, bytes));
            } else {
                rest.push(table);
            }
        }
        written = written.and_then(|()| stream.finish(findings, bytes));
        let result = terminal::write(bytes);
        bytes.clear();
        if let Err(error) = written.and(result.map_err(Into::into)) {
            self.fail(state, error);
        }
        Ok(rest)
    }
}
